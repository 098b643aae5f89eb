package agent

import (
	"io"
	"sync"
)

// The cuts, in bytes. They keep the head and can split a character
// (agent/framework/processor/executer/iohandler, and runpluginutil, which cuts standard
// error where it cuts standard output; the service cuts it at 8,000).
const (
	maxStream = 24000 // of a step's standard output or error, cut mark included
	maxOutput = 2500  // of both together, as ListCommandInvocations shows them

	cutMark       = "--output truncated--"
	outputCutMark = "\n---Output truncated---"
	errorCutMark  = "\n---Error truncated----"
	errorTitle    = "\n----------ERROR-------\n"
)

// stream takes what a script writes to one of its outputs. It keeps the head,
// which is all that any reply shows, and counts the rest.
type stream struct {
	mu     sync.Mutex
	head   []byte // at most maxStream bytes
	total  int
	closed bool
}

// Write fails once the stream is closed, so that whoever copies into it stops.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	s.head = append(s.head, p[:min(len(p), maxStream-len(s.head))]...)
	s.total += len(p)
	return len(p), nil
}

// close ends the stream: a script that outlives its step is not listened to.
func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// text is a closed stream: its head, and how long it was.
type text struct {
	head  string
	total int
}

func (s *stream) text() text {
	s.mu.Lock()
	defer s.mu.Unlock()
	return text{string(s.head), s.total}
}

// with appends a sentence of the agent's own.
func (t text) with(sentence string) text {
	return text{t.head + sentence, t.total + len(sentence)}
}

// cut is the text as it is sent: less than limit bytes, or limit bytes with a
// mark at the end.
func (t text) cut(limit int) string {
	if t.total < limit {
		return t.head
	}
	return t.head[:limit-len(cutMark)] + cutMark
}

// compose is the output of a step as ListCommandInvocations shows it: both
// streams in less than maxOutput bytes. When both are long each gets half;
// otherwise the short one is whole and the long one gets the room that is left.
func compose(stdout, stderr text) string {
	title := ""
	if stderr.total > 0 {
		title = errorTitle
	}
	room := maxOutput - len(title)
	switch half := room / 2; {
	case stdout.total+stderr.total < room:
		return stdout.head + title + stderr.head
	case stdout.total > half && stderr.total > half:
		each := (room - len(outputCutMark) - len(errorCutMark)) / 2
		return stdout.head[:each] + outputCutMark + title + stderr.head[:each] + errorCutMark
	case stdout.total <= half: // the real agent crashes on exactly half
		return stdout.head + title + stderr.head[:room-len(errorCutMark)-stdout.total] + errorCutMark
	default:
		return stdout.head[:room-len(outputCutMark)-stderr.total] + outputCutMark + title + stderr.head
	}
}
