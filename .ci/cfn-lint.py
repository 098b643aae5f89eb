"""Runs cfn-lint without libyaml.

Of a document within a template cfn-lint makes a string of a kind of its own, and
libyaml takes none but Python's: rule E3051 would say of every document that it is
not valid. The parser written in Python takes both.
"""

import sys

import yaml

if hasattr(yaml, "CSafeLoader"):
    del yaml.CSafeLoader

from cfnlint.runner import main

sys.exit(main())
