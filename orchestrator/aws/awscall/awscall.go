// Package awscall has what all callers of AWS share: reading pages, and recognising a
// refusal.
package awscall

import (
	"errors"
	"slices"
)

// Pages calls next with the token of each page, nil for the first, and takes the
// token of the following page from it. It ends without a token, or with one that
// came before: pages have been seen to repeat with an endless NextToken.
func Pages(next func(token *string) (*string, error)) error {
	seen := map[string]bool{}
	for token := (*string)(nil); ; {
		following, err := next(token)
		if err != nil {
			return err
		}
		if following == nil || *following == "" || seen[*following] {
			return nil
		}
		seen[*following], token = true, following
	}
}

// denials are the codes with which services say that the caller may not do
// something (AWS "Common errors"; JSON, Query and EC2 spell it differently).
var denials = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}

// unknown are the codes of an endpoint that does not have an operation, as one in the place
// of AWS that does not have all of it.
var unknown = []string{"UnknownOperationException", "InvalidAction", "NotImplemented", "UnsupportedOperation"}

// Unknown says that the endpoint does not have the operation.
func Unknown(err error) bool {
	var refused interface{ ErrorCode() string }
	return errors.As(err, &refused) && slices.Contains(unknown, refused.ErrorCode())
}

// Denied says that the caller has no permission for the call.
func Denied(err error) bool {
	var refused interface{ ErrorCode() string }
	return errors.As(err, &refused) && slices.Contains(denials, refused.ErrorCode())
}
