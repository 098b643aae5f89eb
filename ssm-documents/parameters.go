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

// folderPattern is the pattern of the parameter to of AideFleet-Install; no name in it is .
// or ..
var folderPattern = regexp.MustCompile(`^((/[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,63}){1,12})?$`)

// ValidateFolder says what is wrong with the parameter to, the folder for the node. If it
// is empty, the node stays in its folder, or goes to /usr/bin.
func ValidateFolder(path string) error {
	if !folderPattern.MatchString(path) {
		return errors.New("want an absolute path of at most 12 names of letters, digits and . _ + -, none of which begins with a dot")
	}
	return nil
}

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
