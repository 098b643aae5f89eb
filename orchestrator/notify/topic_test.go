package notify

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// posted is what SNS gets of a digest.
func posted(t *testing.T, d Digest) (in *sns.PublishInput, mail string, chat chat) {
	t.Helper()
	detail, err := d.encode()
	require.NoError(t, err)
	r, err := ReadEvent([]byte(detail))
	require.NoError(t, err)
	topic := Topic{ARN: "arn:aws:sns:eu-central-1:123456789012:alarms", Publish: func(_ context.Context, got *sns.PublishInput) (*sns.PublishOutput, error) {
		in = got
		return &sns.PublishOutput{}, nil
	}}
	require.NoError(t, topic.Post(t.Context(), r))
	var forms struct{ Default, HTTPS string }
	require.NoError(t, json.Unmarshal([]byte(aws.ToString(in.Message)), &forms))
	require.NoError(t, json.Unmarshal([]byte(forms.HTTPS), &chat))
	return in, forms.Default, chat
}

// TestPost: a mail is text of several lines, and a chat gets a notification.
func TestPost(t *testing.T) {
	in, mail, chat := posted(t, patchDay())
	assert.Equal(t, "json", aws.ToString(in.MessageStructure))
	assert.Equal(t, patchDay().message().Text, mail)
	assert.Equal(t, "1.0", chat.Version)
	assert.Equal(t, "custom", chat.Source)
	assert.Equal(t, "client-markdown", chat.Content.TextType)
	assert.Equal(t, aws.ToString(in.Subject), chat.Content.Title)
	assert.Contains(t, chat.Content.Description, "  +/etc/cron.d/backdoor\n")
}

// TestHostileText: what hosts say is neither a link nor a mention nor the end of a block.
func TestHostileText(t *testing.T) {
	d := patchDay()
	d.Fleet = "<!channel>\r\nBcc: x@example.org ünï [x](http://evil.example)"
	d.Suspects[0].Paths = []string{"+/```<!channel> <@U123> [x](http://evil.example) " + strings.Repeat("z", 30_000)}
	in, mail, chat := posted(t, d)
	assert.Regexp(t, `^[ -~]{1,100}$`, aws.ToString(in.Subject))
	assert.LessOrEqual(t, len(mail), maxText)
	assert.NotContains(t, chat.Content.Title, "<")
	assert.NotContains(t, chat.Content.Title, "](")
	assert.Equal(t, 2, strings.Count(chat.Content.Description, "```"))
	assert.NotContains(t, chat.Content.Description, "<")
	assert.LessOrEqual(t, len(chat.Content.Description), maxChat*2)
}

func TestPostFails(t *testing.T) {
	topic := Topic{ARN: "arn:aws:sns:eu-central-1:123456789012:alarms", Publish: func(context.Context, *sns.PublishInput) (*sns.PublishOutput, error) {
		return nil, errors.New("no answer")
	}}
	assert.ErrorContains(t, topic.Post(t.Context(), Received{Message: patchDay().message()}), "publish to arn:aws:sns:eu-central-1:123456789012:alarms: no answer")
}

func TestReadEventRefuses(t *testing.T) {
	for _, detail := range []string{``, `[]`, `{}`, `{"subject":"x"}`, `{"text":"x"}`, `{"subject":1,"text":"x"}`, `{"subject":"x","text":"` + strings.Repeat("x", maxDetail+1) + `"}`} {
		_, err := ReadEvent([]byte(detail))
		assert.Error(t, err, "%.40s", detail)
	}
}

// FuzzReadEvent: what is read can be published.
func FuzzReadEvent(f *testing.F) {
	f.Add([]byte(`{"subject":"aidefleet x","text":"y","suspects":[{}]}`))
	f.Fuzz(func(t *testing.T, detail []byte) {
		r, err := ReadEvent(detail)
		if err != nil {
			return
		}
		require.Regexp(t, `^[ -~]{1,100}$`, r.Subject)
		require.NotEmpty(t, r.Text)
		require.NotContains(t, quoted(r.Text)[4:len(quoted(r.Text))-4], "`")
	})
}
