package runcommand

import (
	"errors"
	"regexp"
	"time"
)

// Limits of SendCommand's TimeoutSeconds (Systems Manager API reference).
const (
	minDelivery = 30 * time.Second
	maxDelivery = 30 * 24 * time.Hour
)

var (
	sharePattern  = regexp.MustCompile(`^([1-9][0-9]{0,6}|[1-9][0-9]?%|100%)$`)
	errorsPattern = regexp.MustCompile(`^([0-9]{1,7}|[0-9]%|[1-9][0-9]%|100%)$`)

	versionPattern = regexp.MustCompile(`^([1-9][0-9]{0,8}|\$LATEST|\$DEFAULT)?$`)
	hashPattern    = regexp.MustCompile(`^([0-9a-f]{64})?$`)
)

// ValidateDelivery says what is wrong with a DeliveryTimeout.
func ValidateDelivery(d time.Duration) error {
	if d < minDelivery || d > maxDelivery {
		return errors.New("want 30s to 720h")
	}
	return nil
}

// ValidateConcurrency says what is wrong with a MaxConcurrency.
func ValidateConcurrency(text string) error {
	if !sharePattern.MatchString(text) {
		return errors.New("want a number from 1, or 1% to 100%")
	}
	return nil
}

// ValidateErrors says what is wrong with a MaxErrors.
func ValidateErrors(text string) error {
	if !errorsPattern.MatchString(text) {
		return errors.New("want a number, or 0% to 100%")
	}
	return nil
}

// ValidateDocumentVersion says what is wrong with a DocumentVersion; empty is the
// default one.
func ValidateDocumentVersion(text string) error {
	if !versionPattern.MatchString(text) {
		return errors.New("want a number, $LATEST or $DEFAULT")
	}
	return nil
}

// ValidateDocumentHash says what is wrong with a DocumentHash; empty is any.
func ValidateDocumentHash(text string) error {
	if !hashPattern.MatchString(text) {
		return errors.New("want a SHA-256 of 64 lower-case hex digits")
	}
	return nil
}
