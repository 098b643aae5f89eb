package documents

import (
	"errors"
	"regexp"
	"strconv"
	"time"
)

// What the parameter executionTimeout of the documents takes.
const (
	minExecution = time.Minute
	maxExecution = 48 * time.Hour
)

var configPattern = regexp.MustCompile(`^(/[A-Za-z0-9._/+-]{1,255})?$`)

// ExecutionTimeout is the parameter executionTimeout, how long AIDE may take.
func ExecutionTimeout(d time.Duration) (string, error) {
	if d < minExecution || d > maxExecution {
		return "", errors.New("want 1m to 48h")
	}
	return strconv.Itoa(int(d / time.Second)), nil
}

// ValidateConfig says what is wrong with the parameter config, the path of AIDE's
// configuration; empty is the usual one.
func ValidateConfig(path string) error {
	if !configPattern.MatchString(path) {
		return errors.New("want an absolute path of letters, digits and . _ + -")
	}
	return nil
}
