package trail

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// pages answers with pages of records.
func pages(asked *[]*cloudtrail.LookupEventsInput, all ...[]string) API {
	return API{LookupEvents: func(_ context.Context, in *cloudtrail.LookupEventsInput) (*cloudtrail.LookupEventsOutput, error) {
		copied := *in
		n := len(*asked)
		*asked = append(*asked, &copied)
		out := &cloudtrail.LookupEventsOutput{}
		for _, record := range all[n] {
			out.Events = append(out.Events, types.Event{CloudTrailEvent: aws.String(record)})
		}
		if n+1 < len(all) {
			out.NextToken = aws.String(string(rune('a' + n)))
		}
		return out, nil
	}}
}

func TestSender(t *testing.T) {
	const record = `{"userIdentity":{"arn":"arn:aws:iam::1:user/anna"},"responseElements":{"command":{"commandId":"c1"}}}`
	var asked []*cloudtrail.LookupEventsInput
	who, err := Sender(t.Context(), pages(&asked, []string{`{}`, "no JSON"}, []string{record}, []string{record}), "c1", noon)
	require.NoError(t, err)
	assert.Equal(t, "arn:aws:iam::1:user/anna", who)
	assert.Len(t, asked, 2, "no further than the page that has it")
	assert.Equal(t, noon.Add(-around), *asked[0].StartTime)
	assert.Equal(t, noon.Add(around), *asked[0].EndTime)
	assert.Equal(t, "SendCommand", aws.ToString(asked[0].LookupAttributes[0].AttributeValue))

	asked = nil
	who, err = Sender(t.Context(), pages(&asked, []string{record}), "c2", noon)
	require.NoError(t, err)
	assert.Empty(t, who)

	_, err = Sender(t.Context(), API{LookupEvents: func(context.Context, *cloudtrail.LookupEventsInput) (*cloudtrail.LookupEventsOutput, error) {
		return nil, errors.New("denied")
	}}, "c1", noon)
	assert.ErrorContains(t, err, "look up who sent command c1: denied")
}
