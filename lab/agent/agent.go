// Package agent is the lab's stand-in for amazon-ssm-agent: it registers, polls
// the message service, runs documents and replies in the shapes, the order and
// with the cuts of the real one, so that what works here works there.
//
// What it does is read from the source of aws/amazon-ssm-agent 3.x
// (agent/messageservice, agent/framework/docparser, agent/framework/runpluginutil,
// agent/plugins/runscript, agent/plugins/downloadcontent, agent/executers,
// agent/contracts). It knows documents of schema 2.2 and the plugins
// aws:runShellScript and, from S3, aws:downloadContent; any other step fails and
// says so. It keeps scripts and the ids of commands under Config.StateDir and never
// removes them: a lab is thrown away as a whole.
package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// maxCommands is how many commands run at once on a host (Mds.CommandWorkersLimit).
	maxCommands = 5
	// defaultHeartbeat is the time between two registrations (Ssm.HealthFrequencyMinutes).
	defaultHeartbeat = 5 * time.Minute
	// defaultStateDir is where the real agent keeps its data.
	defaultStateDir = "/var/lib/amazon/ssm"
	// agentName is what the real agent calls itself.
	agentName = "amazon-ssm-agent"
)

// Config says who the agent is and where its service is.
type Config struct {
	Endpoint        string        // URL of SSM, of the message service and of S3
	InstanceID      string        // "i-…"
	Region          string        //
	PlatformName    string        // as in os-release: "Amazon Linux"
	PlatformVersion string        // as in os-release: "2023"
	AgentVersion    string        // of the agent it stands in for: "3.3.0.0"
	ComputerName    string        // host name
	StateDir        string        // default /var/lib/amazon/ssm
	Heartbeat       time.Duration // between two registrations, default 5 minutes

	Logger *slog.Logger `json:"-"` // default: nowhere
}

// Encode writes the configuration as one line, to be handed to the process in
// the sandbox; ParseConfig reads it there.
func (c Config) Encode() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and a number
	}
	return string(b)
}

// ParseConfig reads what Encode wrote.
func ParseConfig(text string) (Config, error) {
	var c Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return Config{}, fmt.Errorf("parse agent configuration %.100q: %w", text, err)
	}
	return c, nil
}

// agent is a running agent.
type agent struct {
	Config
	service  service
	objects  objects
	commands commands
	slots    chan struct{} // one token for each command that runs

	// Seams for tests: time-outs, waits and the dates in replies.
	now   func() time.Time
	after func(time.Duration) <-chan time.Time
}

// Run registers the instance and works until ctx is done; it then kills the
// scripts that run, without a reply, and returns nil. The credentials come from
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. Errors of the
// network and of the service are retried for as long as it lives; only a
// configuration that cannot work is an error.
func Run(ctx context.Context, c Config) error {
	a, err := newAgent(c, aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
	})
	if err != nil {
		return err
	}
	return a.run(ctx)
}

func newAgent(c Config, credentials aws.Credentials) (*agent, error) {
	switch {
	case c.Endpoint == "":
		return nil, errors.New("start agent: no endpoint")
	case c.InstanceID == "":
		return nil, errors.New("start agent: no instance id")
	case c.Region == "":
		return nil, errors.New("start agent: no region")
	case !credentials.HasKeys():
		return nil, errors.New("start agent: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
	}
	if c.StateDir == "" {
		c.StateDir = defaultStateDir
	}
	if c.Heartbeat <= 0 {
		c.Heartbeat = defaultHeartbeat
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	speak := newService(c.Endpoint, c.Region, credentials)
	a := &agent{
		Config:  c,
		service: speak,
		objects: objects{speak},
		slots:   make(chan struct{}, maxCommands),
		now:     time.Now,
		after:   time.After,
	}
	return a, nil
}

func (a *agent) run(ctx context.Context) error {
	a.register(ctx)
	var beating sync.WaitGroup
	beating.Go(func() {
		for a.sleep(ctx, a.Heartbeat) {
			a.register(ctx)
		}
	})
	a.poll(ctx)
	a.commands.wait()
	beating.Wait()
	return nil
}

// register returns when the instance is registered or ctx is done. Unlike any
// other call it is tried again after every error: a service that refuses the
// instance now may know it in a minute.
func (a *agent) register(ctx context.Context) {
	var wait backoff
	for {
		err := a.service.updateInstanceInformation(ctx, instanceInformation{
			InstanceID:           a.InstanceID,
			AgentName:            agentName,
			AgentVersion:         a.AgentVersion,
			AgentStatus:          "Active",
			PlatformType:         "Linux",
			PlatformName:         a.PlatformName,
			PlatformVersion:      a.PlatformVersion,
			ComputerName:         a.ComputerName,
			IPAddress:            "127.0.0.1",
			SSMConnectionChannel: "ec2messages",
		})
		if err == nil {
			a.Logger.Debug("registered", "instance", a.InstanceID)
			return
		}
		if ctx.Err() != nil {
			return
		}
		a.Logger.Warn("registration failed", "instance", a.InstanceID, "error", err)
		if !a.sleep(ctx, wait.next()) {
			return
		}
	}
}

// poll receives messages until ctx is done.
func (a *agent) poll(ctx context.Context) {
	var wait backoff
	for ctx.Err() == nil {
		began := a.now()
		messages, err := a.service.getMessages(ctx, a.InstanceID)
		took := a.now().Sub(began)
		if err != nil {
			// A long poll may end in a time-out; only a quick one is a fault.
			var timeout net.Error
			if ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout() && took >= longPoll {
				continue
			}
			a.Logger.Warn("poll failed", "error", err)
			a.sleep(ctx, wait.next())
			continue
		}
		wait.reset()
		for _, m := range messages {
			a.receive(ctx, m)
		}
		// A service that answers at once with nothing is not to be flooded. (The
		// real agent also waits when a quick answer held messages.)
		if len(messages) == 0 && took < time.Second {
			a.sleep(ctx, 2*time.Second+rand.N(500*time.Millisecond))
		}
	}
}

// receive acts on one message.
func (a *agent) receive(ctx context.Context, m message) {
	if m.Topic == "" || m.Destination == "" || m.MessageID == "" || m.CreatedDate == "" {
		a.Logger.Error("message ignored: topic, destination, id or date is missing", "message", m.MessageID)
		return
	}
	var err error
	switch {
	case strings.HasPrefix(m.Topic, "aws.ssm.sendCommand"):
		err = a.receiveCommand(ctx, m)
	case strings.HasPrefix(m.Topic, "aws.ssm.cancelCommand"):
		err = a.receiveCancel(ctx, m)
	default:
		err = fmt.Errorf("unexpected topic name %q", m.Topic)
	}
	if err != nil {
		a.Logger.Error("message refused", "message", m.MessageID, "error", err)
		a.retry(ctx, "fail message", func() error {
			return a.service.failMessage(ctx, m.MessageID, "InternalHandlerException")
		})
	}
}

// retry repeats a call while the network or the service fails, and gives up on
// an answer that would be the same again.
func (a *agent) retry(ctx context.Context, what string, call func() error) {
	var wait backoff
	for {
		err := call()
		if err == nil || ctx.Err() != nil {
			return
		}
		var refused *serviceError
		if errors.As(err, &refused) && !refused.temporary() {
			a.Logger.Error(what+": refused", "error", err)
			return
		}
		a.Logger.Warn(what+": failed, trying again", "error", err)
		if !a.sleep(ctx, wait.next()) {
			return
		}
	}
}

// sleep reports whether the time has passed before ctx was done.
func (a *agent) sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-a.after(d):
		return true
	}
}

// backoff yields waits that grow from an eighth of a second to ten seconds.
type backoff struct{ last time.Duration }

func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, 250*time.Millisecond), 10*time.Second)
	return b.last/2 + rand.N(b.last/2)
}

func (b *backoff) reset() { b.last = 0 }
