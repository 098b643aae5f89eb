package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
)

// maxRuns is how often a document is taken up again after a reboot
// (Mds.CommandRetryLimit).
const maxRuns = 15

// messageID is the form of a message's id: "aws.ssm.<command id>.<instance id>".
// The command's id becomes a folder's name.
var messageID = regexp.MustCompile(`^aws\.ssm\.([a-zA-Z0-9-]{1,64})\.[a-z]+-[a-zA-Z0-9-]+$`)

// command is a command of the service on this host.
type command struct {
	messageID string
	id        string
	cancel    chan struct{} // closed when the command is cancelled
}

func (c *command) cancelled() bool {
	select {
	case <-c.cancel:
		return true
	default:
		return false
	}
}

// commands are those that run or wait for their turn.
type commands struct {
	mu      sync.Mutex
	byID    map[string]*command // by message id
	running sync.WaitGroup
}

// start runs f for a command until it returns.
func (cs *commands) start(c *command, f func()) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.byID == nil {
		cs.byID = make(map[string]*command)
	}
	cs.byID[c.messageID] = c
	cs.running.Go(func() {
		f()
		cs.mu.Lock()
		defer cs.mu.Unlock()
		delete(cs.byID, c.messageID)
	})
}

// cancel reports whether there was such a command.
func (cs *commands) cancel(messageID string) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c, ok := cs.byID[messageID]
	if ok && !c.cancelled() {
		close(c.cancel)
	}
	return ok
}

func (cs *commands) wait() { cs.running.Wait() }

// receiveCommand starts a command. An error means that the message is none.
func (a *agent) receiveCommand(ctx context.Context, m message) error {
	id := messageID.FindStringSubmatch(m.MessageID)
	if id == nil {
		return fmt.Errorf("message id %q is not of the form aws.ssm.COMMAND.INSTANCE", m.MessageID)
	}
	doc, err := parseDocument(m.Payload)
	if err != nil {
		a.Logger.Error("document refused", "message", m.MessageID, "error", err)
		a.send(ctx, m.MessageID, a.documentReply(failed, err.Error()))
		return nil
	}
	if a.seen(id[1]) {
		a.Logger.Info("command dropped: seen before", "message", m.MessageID)
		a.acknowledge(ctx, m)
		return nil
	}
	a.send(ctx, m.MessageID, a.documentReply(inProgress, ""))
	a.acknowledge(ctx, m)
	c := &command{messageID: m.MessageID, id: id[1], cancel: make(chan struct{})}
	a.commands.start(c, func() { a.runCommand(ctx, c, doc) })
	return nil
}

// receiveCancel cancels a command. The message is answered like a command of
// its own; a command that has ended is left alone.
func (a *agent) receiveCancel(ctx context.Context, m message) error {
	var in struct {
		CancelMessageID string `json:"CancelMessageId"`
	}
	if err := json.Unmarshal([]byte(m.Payload), &in); err != nil {
		return fmt.Errorf("parse payload of cancel message: %w", err)
	}
	a.send(ctx, m.MessageID, a.documentReply(inProgress, ""))
	a.acknowledge(ctx, m)
	if !a.commands.cancel(in.CancelMessageID) {
		a.Logger.Info("nothing to cancel", "message", in.CancelMessageID)
	}
	return nil
}

func (a *agent) acknowledge(ctx context.Context, m message) {
	a.retry(ctx, "acknowledge message", func() error { return a.service.acknowledgeMessage(ctx, m.MessageID) })
}

// seen remembers the ids of commands, also over a restart: the service delivers
// a message again when its acknowledgement was lost.
func (a *agent) seen(commandID string) bool {
	dir := filepath.Join(a.StateDir, a.InstanceID, "idempotency", "SendCommand")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		a.Logger.Error("command id not kept", "error", err)
	}
	err := os.Mkdir(filepath.Join(dir, commandID), 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		a.Logger.Error("command id not kept", "error", err) // a full disk: its step will say so
	}
	return errors.Is(err, fs.ErrExist)
}

// runCommand runs a document and reports on it. When ctx is done it returns
// without a word, as an agent does that is switched off.
func (a *agent) runCommand(ctx context.Context, c *command, doc document) {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-c.cancel: // it has to be reported, but nothing of it will run
	case <-ctx.Done():
		return
	}
	var results []*stepResult
	for range maxRuns + 1 {
		results = a.runSteps(ctx, c, doc, results)
		if ctx.Err() != nil {
			return
		}
		r := a.finalReply(results)
		a.send(ctx, c.messageID, r)
		if r.DocumentStatus != successAndReboot {
			return
		}
		// A sandbox does not reboot; the agent takes the document up again as after one.
		results = results[:len(results)-1]
	}
	a.Logger.Error("command given up: it asks for a reboot again and again", "message", c.messageID)
}

// runSteps runs what is left of a document up to its end or to a step that asks
// for a reboot.
func (a *agent) runSteps(ctx context.Context, c *command, doc document, results []*stepResult) []*stepResult {
	for i := len(results); i < len(doc.steps); i++ {
		r := &stepResult{step: doc.steps[i]}
		a.runStep(ctx, c, i == len(doc.steps)-1, results, r)
		if ctx.Err() != nil {
			return results
		}
		results = append(results, r)
		a.send(ctx, c.messageID, a.stepReply(results))
		if r.status == successAndReboot {
			break
		}
	}
	return results
}
