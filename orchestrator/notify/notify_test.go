package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bus takes an event, and answers as it is told.
func bus(out *eventbridge.PutEventsOutput, err error) (API, *types.PutEventsRequestEntry) {
	got := new(types.PutEventsRequestEntry)
	return API{PutEvents: func(_ context.Context, in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		*got = in.Entries[0]
		return out, err
	}}, got
}

func notice(hosts, paths int) Notice {
	n := Notice{Fleet: "env=prod", Account: "123456789012", Region: "eu-central-1", Started: time.Date(2026, 11, 26, 5, 0, 0, 0, time.UTC)}
	for i := range hosts {
		s := Suspect{Instance: fmt.Sprintf("i-%08x", i), Name: fmt.Sprint("web-", i), Findings: []Finding{{"baseline_unexpected", "baseline ab in place of cd"}}}
		for range paths {
			s.Paths = append(s.Paths, "~"+strings.Repeat("/long", 20))
		}
		n.Suspects = append(n.Suspects, s)
	}
	return n
}

func TestSend(t *testing.T) {
	api, got := bus(&eventbridge.PutEventsOutput{}, nil)
	require.NoError(t, Send(t.Context(), api, notice(2, 1)))
	assert.Equal(t, Source, aws.ToString(got.Source))
	assert.Equal(t, DetailType, aws.ToString(got.DetailType))
	var n Notice
	require.NoError(t, json.Unmarshal([]byte(aws.ToString(got.Detail)), &n))
	assert.Equal(t, 1, n.V)
	assert.Len(t, n.Suspects, 2)
	assert.Len(t, n.Suspects[0].Paths, 1)
	assert.Zero(t, n.More)
	assert.Contains(t, n.Text, "2 suspect hosts in fleet env=prod, account 123456789012, region eu-central-1, sweep of 2026-11-26T05:00:00Z:\n")
	assert.Contains(t, n.Text, "i-00000001 web-1: baseline_unexpected: baseline ab in place of cd\n")
}

// TestSize: an event of any number of hosts is one that EventBridge takes.
func TestSize(t *testing.T) {
	for _, n := range []Notice{notice(1, 10_000), notice(2000, 12), notice(50_000, 0), notice(50_000, 12)} {
		api, got := bus(&eventbridge.PutEventsOutput{}, nil)
		require.NoError(t, Send(t.Context(), api, n))
		detail := aws.ToString(got.Detail)
		assert.LessOrEqual(t, len(detail)+len(Source)+len(DetailType), 256<<10)
		var sent Notice
		require.NoError(t, json.Unmarshal([]byte(detail), &sent))
		assert.Equal(t, len(n.Suspects), len(sent.Suspects)+sent.More)
		assert.NotEmpty(t, sent.Suspects)
	}
}

func TestSendFails(t *testing.T) {
	api, _ := bus(nil, errors.New("no answer"))
	assert.ErrorContains(t, Send(t.Context(), api, notice(3, 0)), "tell EventBridge of 3 suspect hosts: no answer")
	for _, code := range []string{"AccessDeniedException", "UnknownOperationException"} {
		api, _ = bus(nil, &smithy.GenericAPIError{Code: code})
		assert.NoError(t, Send(t.Context(), api, notice(3, 0)), code)
	}
	api, _ = bus(&eventbridge.PutEventsOutput{FailedEntryCount: 1, Entries: []types.PutEventsResultEntry{{ErrorCode: aws.String("ThrottlingException"), ErrorMessage: aws.String("slow down")}}}, nil)
	assert.ErrorContains(t, Send(t.Context(), api, notice(3, 0)), "ThrottlingException: slow down")
}
