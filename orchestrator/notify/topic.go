package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// Topic publishes to SNS.
type Topic struct {
	ARN     string
	Publish func(context.Context, *sns.PublishInput) (*sns.PublishOutput, error)
}

// Received is what Post needs of the event of a digest.
type Received struct {
	Message
	Suspects []json.RawMessage `json:"suspects"`
}

// ReadEvent reads the detail of an event of ours.
func ReadEvent(detail []byte) (r Received, err error) {
	if err := json.Unmarshal(detail, &r); err != nil {
		return r, err
	}
	switch {
	case r.Subject == "" || r.Text == "":
		return r, errors.New("it has no subject or no text")
	case !utf8.ValidString(r.Text) || len(r.Text) > maxDetail:
		return r, errors.New("its text is none")
	}
	r.Subject = subject(strings.TrimPrefix(r.Subject, "aidefleet "))
	return r, nil
}

// Post publishes a digest to the topic: as text to mail and all else, and as a custom
// notification to Amazon Q Developer in chat applications, which subscribes by HTTPS (its
// administrator guide, "Custom notifications").
func (t Topic) Post(ctx context.Context, r Received) error {
	chat, err := json.Marshal(chat{Version: "1.0", Source: "custom", Content: content{TextType: "client-markdown", Title: plain(r.Subject), Description: quoted(r.Text)}})
	if err != nil {
		return err
	}
	message, err := json.Marshal(map[string]string{"default": r.Text, "https": string(chat)})
	if err != nil {
		return err
	}
	_, err = t.Publish(ctx, &sns.PublishInput{
		TopicArn: aws.String(t.ARN), Subject: aws.String(r.Subject), Message: aws.String(string(message)), MessageStructure: aws.String("json"),
	})
	if err != nil {
		return fmt.Errorf("publish to %s: %w", t.ARN, err)
	}
	return nil
}

// chat is a custom notification.
type chat struct {
	Version string  `json:"version"`
	Source  string  `json:"source"`
	Content content `json:"content"`
}

type content struct {
	TextType    string `json:"textType"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// maxChat is how much of a text a chat gets, in bytes.
const maxChat = 6000

// quoted is a text as a block of code in Markdown, in which nothing is a link, a mention or
// the end of the block.
func quoted(text string) string {
	if len(text) > maxChat {
		text = strings.ToValidUTF8(text[:maxChat], "") + "\n…"
	}
	return "```\n" + plain(text) + "\n```"
}

// plain is a text in which nothing is markup of a chat: no code, link or mention.
func plain(text string) string {
	return strings.NewReplacer("`", "'", "&", "＆", "<", "‹", ">", "›", "[", "(", "]", ")", "*", "∗").Replace(text)
}
