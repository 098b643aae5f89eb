package runcommand

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
)

func TestRefusal(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want Status
	}{
		{&types.InvalidDocument{}, DocumentMissing},
		{&smithy.GenericAPIError{Code: "AccessDeniedException"}, AccessDenied},
		{&smithy.GenericAPIError{Code: "ThrottlingException"}, RateExceeded},
		{&types.InvalidParameters{}, NotSent},
		{errors.New("connection reset"), NotSent},
		{context.Canceled, Cancelled},
		{fmt.Errorf("%w, look for it: %w", ErrMaybeSent, &smithy.GenericAPIError{Code: "AccessDeniedException"}), Unfinished},
	} {
		if got := Refusal(fmt.Errorf("send Doc: %w", tc.err)); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.err, got, tc.want)
		}
	}
}
