package notify

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
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

var update = flag.Bool("update", false, "write the golden files anew")

// bus takes an event, and answers as it is told.
func bus(out *eventbridge.PutEventsOutput, err error) (API, *types.PutEventsRequestEntry) {
	got := new(types.PutEventsRequestEntry)
	return API{PutEvents: func(_ context.Context, in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		*got = in.Entries[0]
		return out, err
	}}, got
}

func head() Digest {
	return Digest{Fleet: "env=prod", Account: "123456789012", Region: "eu-central-1", Started: time.Date(2026, 11, 26, 5, 0, 0, 0, time.UTC), History: "orchestrator history --fleet env=prod --since 2d"}
}

// patchDay is what is new after an upgrade, a deploy and an intrusion.
func patchDay() Digest {
	d := head()
	d.Suspects = []Suspect{{Instance: "i-0123456789abcdef0", Name: "db-3", Findings: []Finding{{"lone_change", "new changes that none of the other 39 hosts has: /etc/cron.d"}}, Paths: []string{"+/etc/cron.d/backdoor"}}}
	d.Groups = []Group{
		{Group: "/etc/cron.d", Fingerprint: "d2e93b10c7715a04", Changes: 1, Paths: []string{"+/etc/cron.d/backdoor"}, Next: "orchestrator show i-0123456789abcdef0 --unexplained", Hosts: Hosts{1, []string{"db-3"}}},
		{Group: "/srv/app", Fingerprint: "1cb4afc1d0b7e25f", Changes: 3, Paths: []string{"~/srv/app/main"}, Next: "orchestrator accept --tag env=prod --fingerprint 1cb4afc1d0b7e25f", Hosts: Hosts{38, []string{"web-1", "web-2"}}},
	}
	d.Failures = []Failure{{Status: "failed", Reason: "baseline_missing", Next: "orchestrator init --instance i-1", Hosts: Hosts{2, []string{"cache-1", "cache-2"}}}}
	d.Explained = 480
	return d
}

func many(suspects, paths int) Digest {
	d := head()
	for i := range suspects {
		s := Suspect{Instance: fmt.Sprintf("i-%08x", i), Name: fmt.Sprint("web-", i), Findings: []Finding{{"baseline_unexpected", "baseline ab in place of cd"}}}
		for range paths {
			s.Paths = append(s.Paths, "~"+strings.Repeat("/long", 20))
		}
		d.Suspects = append(d.Suspects, s)
		d.Groups = append(d.Groups, Group{Group: fmt.Sprintf("/srv/%d", i), Fingerprint: "1cb4afc1d0b7e25f", Hosts: Hosts{1, []string{"web"}}})
	}
	return d
}

// TestText holds the texts for people against files in testdata; -update writes them anew.
func TestText(t *testing.T) {
	first, early := patchDay(), head()
	first.First = true
	early.Early, early.Failures = true, patchDay().Failures
	for name, d := range map[string]Digest{"patchday.txt": patchDay(), "first.txt": first, "early.txt": early} {
		t.Run(name, func(t *testing.T) {
			m := d.message()
			got := "Subject: " + m.Subject + "\n\n" + m.Text
			if *update {
				require.NoError(t, os.WriteFile("testdata/"+name, []byte(got), 0o644))
			}
			want, err := os.ReadFile("testdata/" + name)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
		})
	}
}

func TestSend(t *testing.T) {
	api, got := bus(&eventbridge.PutEventsOutput{}, nil)
	told, err := Send(t.Context(), api, patchDay())
	require.NoError(t, err)
	assert.True(t, told)
	assert.Equal(t, Source, aws.ToString(got.Source))
	assert.Equal(t, DetailType, aws.ToString(got.DetailType))
	var d Digest
	require.NoError(t, json.Unmarshal([]byte(aws.ToString(got.Detail)), &d))
	assert.Equal(t, 1, d.V)
	assert.Len(t, d.Suspects[0].Paths, 1)
	assert.Zero(t, d.More)
	r, err := ReadEvent([]byte(aws.ToString(got.Detail)))
	require.NoError(t, err)
	assert.Equal(t, patchDay().message(), r.Message)
	assert.Len(t, r.Suspects, 1)
}

// TestSize: an event of any number of hosts is one that EventBridge takes.
func TestSize(t *testing.T) {
	for _, d := range []Digest{many(1, 10_000), many(2000, 12), many(50_000, 0), many(50_000, 12)} {
		api, got := bus(&eventbridge.PutEventsOutput{}, nil)
		_, err := Send(t.Context(), api, d)
		require.NoError(t, err)
		detail := aws.ToString(got.Detail)
		assert.LessOrEqual(t, len(detail)+len(Source)+len(DetailType), 256<<10)
		var sent Digest
		require.NoError(t, json.Unmarshal([]byte(detail), &sent))
		assert.Equal(t, len(d.Suspects)+len(d.Groups), len(sent.Suspects)+len(sent.Groups)+sent.More)
		assert.NotEmpty(t, sent.Suspects)
		assert.LessOrEqual(t, len(sent.Text), maxText)
		assert.Contains(t, sent.Text, "All of it: orchestrator history --fleet env=prod")
	}
}

func TestSendFails(t *testing.T) {
	api, _ := bus(nil, errors.New("no answer"))
	_, err := Send(t.Context(), api, many(3, 0))
	assert.ErrorContains(t, err, "tell EventBridge of 3 suspect hosts, 3 new groups of changes: no answer")
	for _, code := range []string{"AccessDeniedException", "UnknownOperationException"} {
		api, _ = bus(nil, &smithy.GenericAPIError{Code: code})
		told, err := Send(t.Context(), api, many(3, 0))
		require.NoError(t, err, code)
		assert.False(t, told, "nobody was told, and the next sweep is to")
	}
	api, _ = bus(&eventbridge.PutEventsOutput{FailedEntryCount: 1, Entries: []types.PutEventsResultEntry{{ErrorCode: aws.String("ThrottlingException"), ErrorMessage: aws.String("slow down")}}}, nil)
	_, err = Send(t.Context(), api, many(3, 0))
	assert.ErrorContains(t, err, "ThrottlingException: slow down")
}
