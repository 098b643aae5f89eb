package agent

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	// callTimeout ends a call, and with it a long poll (Mds.StopTimeoutMillis).
	callTimeout = 20 * time.Second
	// longPoll is how long a poll must have lasted for its time-out to be its
	// normal end (agent/runcommand/mds, QuickResponseThreshold).
	longPoll = 10 * time.Second
	// maxAnswer bounds an answer of the service, in bytes. A document has at most
	// 64 KB, and so have its parameters.
	maxAnswer = 8 << 20
)

// service speaks AWS JSON 1.1 with SSM and with the agent's message service,
// which are one endpoint in the lab.
type service struct {
	endpoint    string
	region      string
	credentials aws.Credentials
	signer      *v4.Signer
	http        *http.Client
}

func newService(endpoint, region string, credentials aws.Credentials) service {
	return service{
		endpoint:    endpoint,
		region:      region,
		credentials: credentials,
		signer:      v4.NewSigner(),
		http: &http.Client{
			Timeout: callTimeout,
			// Not the default transport: the endpoint is on this machine, and a proxy
			// from the environment is not.
			Transport: &http.Transport{MaxIdleConnsPerHost: maxCommands + 1, IdleConnTimeout: time.Minute},
		},
	}
}

// instanceInformation is the input of AmazonSSM.UpdateInstanceInformation.
type instanceInformation struct {
	InstanceID           string `json:"InstanceId"`
	AgentName            string
	AgentVersion         string
	AgentStatus          string
	PlatformType         string
	PlatformName         string
	PlatformVersion      string
	ComputerName         string
	IPAddress            string
	SSMConnectionChannel string
}

func (s service) updateInstanceInformation(ctx context.Context, in instanceInformation) error {
	return s.call(ctx, "ssm", "AmazonSSM.UpdateInstanceInformation", in, nil)
}

// message is one message of the message service.
type message struct {
	MessageID   string `json:"MessageId"`
	Destination string
	CreatedDate string
	Topic       string
	Payload     string // JSON
}

func (s service) getMessages(ctx context.Context, instance string) ([]message, error) {
	in := struct {
		Destination                string
		MessagesRequestID          string `json:"MessagesRequestId"`
		VisibilityTimeoutInSeconds int
	}{instance, newUUID(), 10}
	var out struct{ Messages []message }
	err := s.callMessages(ctx, "GetMessages", in, &out)
	return out.Messages, err
}

type messageInput struct {
	MessageID string `json:"MessageId"`
}

func (s service) acknowledgeMessage(ctx context.Context, id string) error {
	return s.callMessages(ctx, "AcknowledgeMessage", messageInput{id}, nil)
}

func (s service) failMessage(ctx context.Context, id, failureType string) error {
	in := struct {
		messageInput
		FailureType string
	}{messageInput{id}, failureType}
	return s.callMessages(ctx, "FailMessage", in, nil)
}

// sendReply takes the id of the reply from its caller, so that a reply which is
// sent again is known to be the same.
func (s service) sendReply(ctx context.Context, messageID, replyID, payload string) error {
	in := struct {
		messageInput
		Payload string
		ReplyID string `json:"ReplyId"`
	}{messageInput{messageID}, payload, replyID}
	return s.callMessages(ctx, "SendReply", in, nil)
}

func (s service) callMessages(ctx context.Context, operation string, in, out any) error {
	// "Windows" is history: the name holds on every platform.
	return s.call(ctx, "ec2messages", "EC2WindowsMessageDeliveryService."+operation, in, out)
}

// call makes one signed call and reads the answer into out, unless that is nil.
func (s service) call(ctx context.Context, signingName, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: encode input: %w", target, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", target)
	sum := sha256.Sum256(body)
	if err := s.signer.SignHTTP(ctx, s.credentials, req, hex.EncodeToString(sum[:]), signingName, s.region, time.Now()); err != nil {
		return fmt.Errorf("%s: sign: %w", target, err)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s: read answer: %w", target, err)
	}
	if resp.StatusCode != http.StatusOK {
		refused := &serviceError{target: target, status: resp.StatusCode}
		if json.Unmarshal(answer, refused) != nil {
			refused.Message = string(answer[:min(len(answer), 200)])
		}
		return refused
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: decode answer: %w", target, err)
	}
	return nil
}

// serviceError is an error the service answered with.
type serviceError struct {
	target  string
	status  int
	Type    string `json:"__type"`
	Message string
}

func (e *serviceError) Error() string {
	return fmt.Sprintf("%s: HTTP %d %s: %q", e.target, e.status, e.Type, e.Message)
}

// temporary says that the same call may succeed later.
func (e *serviceError) temporary() bool {
	return e.status >= 500 || e.status == http.StatusTooManyRequests || e.Type == "ThrottlingException"
}

// newUUID makes a random (version 4) UUID.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
