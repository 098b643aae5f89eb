package runcommand

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"aidefleet/orchestrator/aws/awscall"
)

// The statuses of the hosts of a command that was not sent, beside AccessDenied,
// RateExceeded and Cancelled.
const (
	DocumentMissing Status = "document_missing" // the account has no such document in this region
	NotSent         Status = "not_sent"         // for another reason, which the error gives
)

// Refusal is the status of all hosts of a command that Send could not send.
func Refusal(err error) Status {
	var refused interface{ ErrorCode() string }
	switch {
	case errors.Is(err, ErrMaybeSent):
		return Unfinished
	case errors.Is(err, context.Canceled):
		return Cancelled
	case !errors.As(err, &refused):
		return NotSent
	}
	code := refused.ErrorCode()
	if _, throttled := retry.DefaultThrottleErrorCodes[code]; throttled {
		return RateExceeded
	}
	switch {
	case code == "InvalidDocument" || code == "InvalidDocumentVersion":
		return DocumentMissing
	case awscall.Denied(err):
		return AccessDenied
	}
	return NotSent
}
