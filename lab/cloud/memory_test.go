package cloud

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bustypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestParameterStore keeps values, and knows none that was not put.
func TestParameterStore(t *testing.T) {
	l := newLab(t, Config{})
	c := l.ssm
	_, err := c.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/aidefleet/ledger")})
	var missing *ssmtypes.ParameterNotFound
	require.ErrorAs(t, err, &missing)
	put := func(value string, over bool) error {
		_, err := c.PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("/aidefleet/ledger"), Value: aws.String(value), Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(over)})
		return err
	}
	require.NoError(t, put("s3://bucket/ledger", false))
	var there *ssmtypes.ParameterAlreadyExists
	require.ErrorAs(t, put("other", false), &there)
	require.NoError(t, put("s3://other/ledger", true))
	out, err := c.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/aidefleet/ledger")})
	require.NoError(t, err)
	assert.Equal(t, "s3://other/ledger", aws.ToString(out.Parameter.Value))
	assert.EqualValues(t, 2, out.Parameter.Version)
	assert.Error(t, put(strings.Repeat("x", 4097), true))
}

// TestEventBus takes events that EventBridge would take.
func TestEventBus(t *testing.T) {
	l := newLab(t, Config{})
	c := eventbridge.NewFromConfig(l.sdk())
	put := func(entries ...bustypes.PutEventsRequestEntry) (*eventbridge.PutEventsOutput, error) {
		return c.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
	}
	entry := func(detail string) bustypes.PutEventsRequestEntry {
		return bustypes.PutEventsRequestEntry{Source: aws.String("aidefleet"), DetailType: aws.String("x"), Detail: aws.String(detail)}
	}
	out, err := put(entry(`{"a":1}`), entry(`{`))
	require.NoError(t, err)
	assert.EqualValues(t, 1, out.FailedEntryCount)
	assert.NotEmpty(t, aws.ToString(out.Entries[0].EventId))
	assert.Equal(t, "MalformedDetail", aws.ToString(out.Entries[1].ErrorCode))
	_, err = put(entry(`"` + strings.Repeat("x", 256<<10) + `"`))
	assert.ErrorContains(t, err, "over the limit")
	_, err = put(make([]bustypes.PutEventsRequestEntry, 11)...)
	assert.Error(t, err)
}

// TestCloudTrail knows who sent which command.
func TestCloudTrail(t *testing.T) {
	l := ready(t, Config{})
	at := l.now()
	sent := l.send(nil)
	c := cloudtrail.NewFromConfig(l.sdk())
	look := func(from, to time.Time, name string) (*cloudtrail.LookupEventsOutput, error) {
		return c.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{
			LookupAttributes: []trailtypes.LookupAttribute{{AttributeKey: trailtypes.LookupAttributeKeyEventName, AttributeValue: aws.String(name)}},
			StartTime:        aws.Time(from), EndTime: aws.Time(to),
		})
	}
	out, err := look(at.Add(-time.Hour), at.Add(time.Hour), "SendCommand")
	require.NoError(t, err)
	require.Len(t, out.Events, 1)
	assert.Contains(t, aws.ToString(out.Events[0].CloudTrailEvent), sent)
	assert.Contains(t, aws.ToString(out.Events[0].CloudTrailEvent), "arn:aws:iam::123456789012:user/")
	out, err = look(at.Add(-3*time.Hour), at.Add(-2*time.Hour), "SendCommand")
	require.NoError(t, err)
	assert.Empty(t, out.Events)
	_, err = look(at, at, "RunInstances")
	assert.Error(t, err)
}
