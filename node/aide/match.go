package aide

import (
	"fmt"
	"regexp"
	"strings"
)

// pattern is a regular expression for the files that @@include takes from a folder. AIDE's
// are PCRE. Go's RE2 has no look-around, no back-references and fewer escapes. A pattern
// that RE2 cannot say matches every name, so that no file is left out.
type pattern struct{ names *regexp.Regexp }

// compile returns an error and a pattern that matches every name if RE2 cannot say the
// expression.
func compile(expression string) (pattern, error) {
	names, err := regexp.Compile(expression)
	if err != nil {
		return pattern{}, fmt.Errorf("this program cannot say the pattern %s, which may be one of PCRE's own: %w", expression, err)
	}
	return pattern{names}, nil
}

// match says whether AIDE takes the name. To PCRE, $ is also the place before a newline
// at the end.
func (p pattern) match(name string) bool {
	return p.names == nil || p.names.MatchString(name) || p.names.MatchString(strings.TrimSuffix(name, "\n"))
}
