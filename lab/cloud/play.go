package cloud

import (
	"container/heap"
	"time"
)

// simulatedAgent is the version of the agents of simulated hosts.
const simulatedAgent = "3.3.1611.0"

// Host plays an instance that has no agent. It always says the same of the same
// command, so that nothing has to be kept of what it said. It must not block.
type Host interface {
	// Run says how a document goes on the host, whose scripts may run for limit.
	Run(document string, limit time.Duration) Course
	// Answer is what the script prints if it ends.
	Answer(document string, began time.Time, took time.Duration) Answer
	// Finding is what a check of the host must find.
	Finding() Finding
}

// Course is how a command goes on a host.
type Course struct {
	Delivery time.Duration // from the dispatch until the agent has the command
	Duration time.Duration // from then to its end
	Cancel   time.Duration // from a cancellation until the agent has ended it
	End      End
}

// End is how a command ends on a host.
type End int

// The ends of a command.
const (
	Succeeds      End = iota // exit status 0
	Fails                    // another one
	TimesOut                 // the agent ends the script
	FallsSilent              // the agent is not heard of any more
	Undeliverable            // the agent cannot be given the command
	WorkerDies               // the agent's worker is killed
)

// Answer is what a script printed, and its exit status.
type Answer struct {
	Stdout, Stderr string
	Code           int
}

// Finding is what is true of a host.
type Finding struct {
	Status                  string // "clean", "drift" or "failed"
	Reason                  string // of "failed"
	Added, Removed, Changed int    // of "clean" and "drift"
}

// event is something that happens to an invocation on a simulated host.
type event struct {
	after time.Duration // since the command was requested
	on    *invocation
	kind  eventKind
}

type eventKind int8

const (
	arrives eventKind = iota // the command, at the agent
	ends                     // the script
	stops                    // the script, since it was cancelled
)

// events are a heap, the next one first.
type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].after < e[j].after }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// workerDied is what an agent says in place of the script's output
// (agent/framework/processor/executer/outofproc).
const workerDied = "document process failed unexpectedly: document worker timed out , check [ssm-document-worker]/[ssm-session-worker] log for crash reason"

func (i *invocation) course() Course {
	return i.node.Host.Run(i.command.DocumentName, i.command.execution)
}

func (i *invocation) schedule(kind eventKind, at time.Time) {
	heap.Push(&i.command.events, event{at.Sub(i.command.requested), i, kind})
}

// begin dispatches the command to a simulated host. An agent that is silent
// never fetches it.
func (i *invocation) begin(now time.Time) {
	if i.node.alive {
		i.schedule(arrives, now.Add(i.course().Delivery))
	}
}

// stop tells a simulated host that the command is cancelled.
func (i *invocation) stop(now time.Time) {
	if i.node.alive {
		i.schedule(stops, now.Add(i.course().Cancel))
	}
}

// play lets happen on simulated hosts what is due, in the order in which it
// happens: a host that ends makes room for the next one at that very time.
func (c *Cloud) play(command *command, now time.Time) {
	for len(command.events) > 0 {
		at := command.requested.Add(command.events[0].after)
		if at.After(now) {
			return
		}
		e := heap.Pop(&command.events).(event)
		if e.on.node.alive && !e.on.state.ended() {
			e.on.happen(e.kind, at)
			c.send(command, at)
		}
	}
}

func (i *invocation) happen(kind eventKind, at time.Time) {
	course := i.course()
	switch {
	case kind == stops:
		i.set(cancelled, at)
	case kind == arrives && course.End == Undeliverable:
		i.set(undeliverable, at)
	case kind == arrives:
		i.deliver(at)
		i.schedule(ends, at.Add(course.Duration))
	case course.End == FallsSilent:
		i.node.alive, i.node.lastSeen = false, at
	case course.End == TimesOut:
		i.set(executionTimedOut, at)
	case course.End == Fails, course.End == WorkerDies:
		i.set(failed, at)
	default:
		i.set(succeeded, at)
	}
}

// seen is when an agent was last heard of.
func (n *node) seen(now time.Time) time.Time {
	if n.alive {
		return now
	}
	return n.lastSeen
}

// reports are what the agent reported of the steps. What a simulated one did is
// made up when it is asked for, since the texts of a fleet would fill the memory.
func (i *invocation) reports() []*stepReport {
	if i.node.Host == nil || !i.delivered {
		return i.steps
	}
	s := &stepReport{name: i.command.version.body.steps[0].name, Status: "InProgress", Code: -1}
	course := i.course()
	began := i.changed
	switch i.state {
	case succeeded, failed:
		began = began.Add(-course.Duration)
		if course.End == WorkerDies {
			s.Status, s.Code, s.Output = "Failed", 0, workerDied
			break
		}
		a := i.node.Host.Answer(i.command.DocumentName, began, course.Duration)
		s.Status, s.Code, s.StandardOutput, s.StandardError = "Success", a.Code, a.Stdout, a.Stderr
		if a.Code != 0 {
			s.Status = "Failed"
		}
	case executionTimedOut:
		began = began.Add(-course.Duration)
		s.Status = "TimedOut"
	case cancelled:
		s.Status = "Cancelled"
	}
	s.StartDateTime = isoDate(began)
	if i.state.ended() {
		s.EndDateTime = isoDate(i.changed)
	}
	return []*stepReport{s}
}
