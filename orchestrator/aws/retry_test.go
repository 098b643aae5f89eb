package aws

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sessions are credentials that say that they last an hour, a new key each time.
type sessions struct{ made atomic.Int32 }

func (s *sessions) Retrieve(context.Context) (sdk.Credentials, error) {
	key := "ASIA" + strconv.Itoa(int(s.made.Add(1)))
	return sdk.Credentials{AccessKeyID: key, SecretAccessKey: "s", SessionToken: "t", CanExpire: true, Expires: time.Now().Add(time.Hour)}, nil
}

// TestRenewed: credentials that a service calls expired are renewed, whatever
// their date says, also for the command that is sent only once. Those that cannot
// be renewed are not asked for again.
func TestRenewed(t *testing.T) {
	var commands atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if !strings.Contains(r.Header.Get("Authorization"), "Credential=ASIA2/") {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}`))
			return
		}
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".SendCommand") {
			commands.Add(1)
		}
		_, _ = w.Write([]byte(`{"Command":{"CommandId":"c"}}`))
	}))
	t.Cleanup(server.Close)
	of := func(p sdk.CredentialsProvider) Operations {
		cache := sdk.NewCredentialsCache(p)
		return operations(sdk.Config{Region: "eu-central-1", BaseEndpoint: sdk.String(server.URL), Credentials: cache, Retryer: patient(t.Context(), cache)})
	}
	for _, tc := range []struct {
		name string
		call func(Operations) error
	}{
		{"SendCommand", func(o Operations) error {
			_, err := o.SendCommand(t.Context(), &ssm.SendCommandInput{DocumentName: sdk.String("d")})
			return err
		}},
		{"ListCommands", func(o Operations) error { _, err := o.ListCommands(t.Context(), &ssm.ListCommandsInput{}); return err }},
	} {
		renewable := &sessions{}
		err := tc.call(of(renewable))
		require.NoError(t, err, tc.name)
		assert.Equal(t, int32(2), renewable.made.Load(), "%s: after %d sessions", tc.name, renewable.made.Load())
		asked := 0
		forever := sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			asked++
			return sdk.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "s"}, nil
		})
		var refused smithy.APIError
		err = tc.call(of(forever))
		assert.ErrorAs(t, err, &refused, "%s: asked for credentials %d times", tc.name, asked)
		assert.Equal(t, 1, asked, tc.name)
	}
	if commands.Load() != 1 {
		t.Errorf("%d commands were sent, want 1", commands.Load())
	}
}
