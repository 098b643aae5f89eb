package runcommand

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/assert"
)

func status(code int) error {
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: code}},
		Err:      &smithy.GenericAPIError{Code: "InternalServerError"},
	}
}

// TestSendAmbiguous is about answers that do not tell whether a command was
// sent: never are there two of it.
func TestSendAmbiguous(t *testing.T) {
	lost := &smithyhttp.RequestSendError{Err: io.ErrUnexpectedEOF}
	for name, c := range map[string]struct {
		answers   []error // of SendCommand, one after the other; nil is an id
		done      int     // which of the calls was done all the same, from 1; 0 is none
		visible   int     // after how many look-ups it can be seen
		sends     int
		wantError string
	}{
		"sent":                          {[]error{nil}, 1, 0, 1, ""},
		"an answer cut off":             {[]error{status(200)}, 1, 1, 1, ""},
		"a page of a proxy":             {[]error{status(302)}, 1, 1, 1, ""},
		"refused":                       {[]error{status(400)}, 0, 0, 1, "HTTP"},
		"refused, as the SDK types it":  {[]error{&types.InvalidDocument{}}, 0, 0, 1, "InvalidDocument"},
		"answer lost, and it was done":  {[]error{lost}, 1, 1, 1, ""},
		"answer lost, seen late":        {[]error{lost}, 1, 4, 1, ""},
		"answer lost, and it was not":   {[]error{lost, nil}, 2, 0, 2, ""},
		"failed, and it was done":       {[]error{status(500)}, 1, 1, 1, ""},
		"failed, and it was not":        {[]error{status(503), nil}, 2, 0, 2, ""},
		"no command in the answer":      {[]error{errNoCommand}, 1, 1, 1, ""},
		"it fails for ever":             {[]error{status(500), status(500), status(500)}, 0, 0, 3, "InternalServerError"},
		"second one done, answer lost":  {[]error{status(500), lost}, 2, 2, 2, ""},
		"a time-out without an answer":  {[]error{context.DeadlineExceeded}, 1, 1, 1, ""},
		"the connection was never made": {[]error{&smithyhttp.RequestSendError{Err: errors.New("refused")}, nil}, 2, 0, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var waited time.Duration
			sends, lookUps := 0, 0
			ours := types.Command{CommandId: aws.String(id), DocumentName: aws.String("Doc"), Comment: aws.String("run 7")}
			api := API{
				SendCommand: func(context.Context, *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) {
					sends++
					lookUps = 0
					switch err := c.answers[sends-1]; {
					case errors.Is(err, errNoCommand):
						return &ssm.SendCommandOutput{}, nil
					case err != nil:
						return nil, err
					}
					return &ssm.SendCommandOutput{Command: &ours}, nil
				},
				ListCommands: func(_ context.Context, in *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
					assert.Len(t, in.Filters, 1)
					assert.Equal(t, types.CommandFilterKeyInvokedAfter, in.Filters[0].Key, "filters %+v", in.Filters)
					if in.NextToken == nil {
						lookUps++
						other := types.Command{CommandId: aws.String("other"), DocumentName: aws.String("Doc"), Comment: aws.String("run 6")}
						return &ssm.ListCommandsOutput{Commands: []types.Command{other}, NextToken: aws.String("2")}, nil
					}
					out := &ssm.ListCommandsOutput{NextToken: aws.String("2")} // for ever
					if c.done > 0 && sends >= c.done && lookUps >= c.visible {
						out.Commands = []types.Command{ours}
					}
					return out, nil
				},
			}
			got, err := Send(t.Context(), api, Request{Document: "Doc", Comment: "run 7"}, instantly(&waited))
			switch {
			case c.wantError == "" && (err != nil || got.ID != id):
				t.Errorf("%+v, %v", got, err)
			case c.wantError != "" && err == nil:
				t.Errorf("no error, want one with %q", c.wantError)
			}
			if sends != c.sends {
				t.Errorf("sent %d times, want %d", sends, c.sends)
			}
		})
	}
}

// errNoCommand stands for an answer without a command.
var errNoCommand = errors.New("an answer without a command")

func TestSendLookUpFails(t *testing.T) {
	sends := 0
	api := API{
		SendCommand: func(context.Context, *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) {
			sends++
			return nil, status(500)
		},
		ListCommands: func(context.Context, *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
			return nil, status(400)
		},
	}
	var waited time.Duration
	_, err := Send(t.Context(), api, Request{Document: "Doc", Comment: "run 7"}, instantly(&waited))
	assert.Equal(t, 1, sends)
	assert.ErrorContains(t, err, `it may have been sent, look for the comment "run 7"`, "sent %d times", sends)
}

// TestSendSeenLate: a command of which the answer was lost is looked for during all
// of the 15 s that are promised, at whatever pace, and sent once if it is seen by then.
func TestSendSeenLate(t *testing.T) {
	for _, tc := range []struct {
		visible time.Duration // after the send
		sends   int
	}{
		{0, 1}, {3 * time.Second, 1}, {6 * time.Second, 1}, {14 * time.Second, 1}, {15 * time.Second, 1}, {16 * time.Second, 2},
	} {
		t.Run(tc.visible.String(), func(t *testing.T) {
			var passed time.Duration
			pace := DefaultPace
			pace.Sleep = func(_ context.Context, d time.Duration) error { passed += d; return nil }
			sends := 0
			ours := types.Command{CommandId: aws.String(id), DocumentName: aws.String("Doc"), Comment: aws.String("run 7")}
			api := API{
				SendCommand: func(context.Context, *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) {
					sends++
					return nil, status(500)
				},
				ListCommands: func(context.Context, *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
					if passed < tc.visible {
						return &ssm.ListCommandsOutput{}, nil
					}
					return &ssm.ListCommandsOutput{Commands: []types.Command{ours}}, nil
				},
			}
			c, err := Send(t.Context(), api, Request{Document: "Doc", Comment: "run 7"}, pace)
			if err != nil {
				t.Fatal(err)
			}
			if c.ID != id {
				t.Errorf("command %q", c.ID)
			}
			if sends != tc.sends {
				t.Errorf("sent %d times, want %d", sends, tc.sends)
			}
		})
	}
}
