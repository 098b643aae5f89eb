"""Writes and lists as the ledger does, by boto3: conditional puts, and 1,500 keys."""

import sys

import boto3
import botocore.exceptions

s3 = boto3.client("s3")
bucket = sys.argv[1]


def code(**arguments):
    """The error code of a put, or None."""
    try:
        s3.put_object(Bucket=bucket, **arguments)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]


assert code(Key="c/x", Body=b"one", IfNoneMatch="*") is None
assert code(Key="c/x", Body=b"two", IfNoneMatch="*") == "PreconditionFailed"
tag = s3.get_object(Bucket=bucket, Key="c/x")["ETag"]
assert code(Key="c/x", Body=b"two", IfMatch=tag) is None
assert code(Key="c/x", Body=b"three", IfMatch=tag) == "PreconditionFailed"
assert code(Key="c/none", Body=b"x", IfMatch=tag) == "NoSuchKey"
assert s3.get_object(Bucket=bucket, Key="c/x")["Body"].read() == b"two"

for n in range(1500):
    s3.put_object(Bucket=bucket, Key=f"l/fleet=a%3Db/{n:04d}", Body=b"x")
pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="l/"))
keys = [entry["Key"] for page in pages for entry in page["Contents"]]
assert len(pages) == 2, len(pages)
assert keys == [f"l/fleet=a%3Db/{n:04d}" for n in range(1500)], keys[:3]
assert s3.list_objects_v2(Bucket=bucket, Prefix="none/").get("Contents", []) == []
