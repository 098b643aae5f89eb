package cloud

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"regexp"
	"strings"
)

const (
	snsNamespace = "http://sns.amazonaws.com/doc/2010-03-31/"
	// maxMessage bounds a message in all its forms, in bytes, and maxSubject its subject
	// (Amazon SNS API reference, Publish).
	maxMessage = 256 << 10
	maxSubject = 100
)

var (
	topicARN       = regexp.MustCompile(`^arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)
	subjectPattern = regexp.MustCompile(`^[!-~][ -~]*$`)
)

// notification is a message that somebody published to a topic, as its subscribers get it.
type notification struct {
	Topic, Subject string
	Mail           string // text to an address
	HTTPS          string // body to an address of a service, such as a chat's
}

type publishResponse struct {
	XMLName   xml.Name `xml:"PublishResponse"`
	Namespace string   `xml:"xmlns,attr"`
	MessageID string   `xml:"PublishResult>MessageId"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

// serveSNS takes messages for topics, all of which there are.
func (c *Cloud) serveSNS(q *request) (any, error) {
	if q.operation != "Publish" {
		return nil, q.unknownOperation()
	}
	n := notification{Topic: q.form.Get("TopicArn"), Subject: q.form.Get("Subject")}
	message := q.form.Get("Message")
	forms := map[string]string{"default": message}
	switch structure := q.form.Get("MessageStructure"); {
	case !topicARN.MatchString(n.Topic):
		return nil, badRequest("InvalidParameter", "Invalid parameter: TopicArn")
	case n.Subject != "" && (len(n.Subject) > maxSubject || !subjectPattern.MatchString(n.Subject)):
		return nil, badRequest("InvalidParameter", "Invalid parameter: Subject")
	case message == "" || len(message) > maxMessage:
		return nil, badRequest("InvalidParameter", "Invalid parameter: Message too long or empty")
	case structure == "json":
		forms = map[string]string{}
		if err := json.Unmarshal([]byte(message), &forms); err != nil {
			return nil, badRequest("InvalidParameter", "Invalid parameter: Message Structure - JSON message body failed to parse")
		}
		if strings.TrimSpace(forms["default"]) == "" {
			return nil, badRequest("InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body")
		}
	case structure != "":
		return nil, badRequest("InvalidParameter", "Invalid parameter: MessageStructure")
	}
	n.Mail, n.HTTPS = cmp.Or(forms["email"], forms["default"]), cmp.Or(forms["https"], forms["default"])
	c.mu.Lock()
	c.published = append(c.published, n)
	c.mu.Unlock()
	return publishResponse{Namespace: snsNamespace, MessageID: newUUID(), RequestID: q.id}, nil
}
