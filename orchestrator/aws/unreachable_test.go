package aws

import (
	"errors"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dead is a client to which nobody answers.
type dead struct {
	err   error
	calls int
}

func (d *dead) Do(*http.Request) (*http.Response, error) {
	d.calls++
	return nil, d.err
}

// TestUnreachable: an endpoint that nobody listens at is tried three times, one that
// resets connections as often as other faults.
func TestUnreachable(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "")
	for name, tc := range map[string]struct {
		err  error
		want int
	}{
		"refused": {&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, mostUnreachable},
		"unknown": {&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}}, 1}, // the SDK gives up itself
	} {
		t.Run(name, func(t *testing.T) {
			client := &dead{err: tc.err}
			keys := credentials.NewStaticCredentialsProvider("AKID", "s", "")
			o := operations(sdk.Config{Region: "eu-central-1", Credentials: keys, HTTPClient: client, Retryer: patient(t.Context(), keys)})
			_, err := o.ListCommands(t.Context(), &ssm.ListCommandsInput{})
			require.Error(t, err)
			assert.Equal(t, tc.want, client.calls)
			assert.Contains(t, Explain(err), "AWS cannot be reached")
		})
	}
}

// TestRetryNotice: after some seconds of trying, a line says what is tried again and why.
func TestRetryNotice(t *testing.T) {
	var lines []string
	ctx := WithRetryNotice(t.Context(), func(line string) { lines = append(lines, line) })
	notice := ctx.Value(retryNoticeKey{}).(func(int, error))
	reset := errors.New("connection reset")
	notice(1, reset)
	notice(2, reset)
	assert.Empty(t, lines, "a single fault is nobody's business")
	time.Sleep(quiet)
	notice(4, reset)
	notice(5, reset)
	assert.Equal(t, []string{"connection reset; trying again, attempt 5 of 10"}, lines)
}
