package cloud

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// Faults are what goes wrong between a client and the account. Rates are shares
// of calls, from 0 to 1. What befalls the n-th call of an operation depends on
// Seed alone.
type Faults struct {
	Latency      time.Duration // before each answer
	Throttle     int           // calls a second of one operation, with bursts of as many; 0 is no limit
	ThrottleRate float64       // throttled whatever the rate of calls
	ErrorRate    float64       // answered with HTTP 500; nothing was done
	ResetRate    float64       // the connection is reset; half of them after the call was done
	// RepeatPages is the share of pages of ListCommandInvocations,
	// DescribeInstances and DescribeInstanceInformation that come twice. A last
	// page that does comes for ever, each time with the token that led to it.
	RepeatPages float64
	// Session is how long the credentials of a role are taken. They say that they
	// last for an hour, whatever Session is; 0 is that hour.
	Session time.Duration
	// HideCommand is how long after SendCommand nobody finds the command; HideResults
	// is how long ListCommandInvocations lists none of its hosts, though they are
	// counted.
	HideCommand, HideResults time.Duration
	Seed                     uint64
}

// fault is what befalls one call.
type fault string

// The faults, as GET /lab/stats counts them.
const (
	none       fault = ""
	throttled  fault = "throttled"
	broken     fault = "errors"
	lost       fault = "resets_before"
	unanswered fault = "resets_after"
	repeats    fault = "repeats"
	ended      fault = "sessions_ended"
)

// bucket is how many calls an operation may still take, and since when.
type bucket struct {
	calls float64
	since time.Time
}

// faulty lets the faults happen.
func (c *Cloud) faulty(next handler) handler {
	f := c.config.Faults
	if f == (Faults{Seed: f.Seed, Session: f.Session, HideCommand: f.HideCommand, HideResults: f.HideResults}) {
		return next
	}
	drawn := make(map[string]uint64)
	buckets := make(map[string]*bucket)
	draw := func(operation string) fault {
		c.mu.Lock()
		defer c.mu.Unlock()
		drawn[operation]++
		what := f.draw(operation, drawn[operation])
		if f.Throttle > 0 && !take(buckets, operation, float64(f.Throttle), c.now()) {
			what = throttled
		}
		if what != none && what != repeats {
			c.faults[string(what)]++
		}
		return what
	}
	return func(w http.ResponseWriter, r *http.Request, q *request) {
		what := draw(q.operation)
		if wait(r.Context(), f.Latency) != nil {
			return // nobody listens
		}
		switch what {
		case throttled:
			q.refuse(w, q.throttling())
		case broken:
			q.refuse(w, q.internalError())
		case lost:
			reset(w)
		case unanswered:
			next(nowhere{}, r, q)
			reset(w)
		default:
			if what == repeats {
				q.repeats = func() {
					c.mu.Lock()
					defer c.mu.Unlock()
					c.faults[string(repeats)]++
				}
			}
			next(w, r, q)
		}
	}
}

// draw decides what befalls the n-th call of an operation.
func (f Faults) draw(operation string, n uint64) fault {
	h := fnv.New64a()
	_, _ = h.Write([]byte(operation)) // never fails (hash.Hash)
	random := rand.New(rand.NewPCG(f.Seed^h.Sum64(), n))
	reset := lost
	if random.IntN(2) == 0 {
		reset = unanswered
	}
	for _, o := range []struct {
		share float64
		fault fault
	}{
		{f.ThrottleRate, throttled}, {f.ErrorRate, broken},
		{f.ResetRate, reset}, {f.RepeatPages, repeats},
	} {
		// Each gets its share of those that the ones before it leave; at rates
		// that a client can live with, that is the share of all.
		if random.Float64() < o.share {
			return o.fault
		}
	}
	return none
}

// take takes a call out of the operation's bucket, which fills at a rate a
// second and holds as many.
func take(buckets map[string]*bucket, operation string, rate float64, now time.Time) bool {
	b, ok := buckets[operation]
	if !ok {
		b = &bucket{calls: rate, since: now}
		buckets[operation] = b
	}
	b.calls, b.since = min(rate, b.calls+rate*now.Sub(b.since).Seconds()), now
	if b.calls < 1 {
		return false
	}
	b.calls--
	return true
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// throttling is how the service says that it was called too often (the
// "Common errors" of each API reference).
func (q *request) throttling() *apiError {
	switch q.service {
	case ec2Service:
		return &apiError{http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded."}
	case cloudWatch, stsService, snsService:
		return badRequest("Throttling", "Rate exceeded")
	case s3Service:
		return &apiError{http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."}
	}
	return badRequest("ThrottlingException", "Rate exceeded")
}

// internalError is how the service says that it is not the caller's fault.
func (q *request) internalError() *apiError {
	code, message := "InternalServerError", "An error occurred on the server side."
	switch q.service {
	case ec2Service:
		code, message = "InternalError", "An internal error has occurred"
	case s3Service:
		code, message = "InternalError", "We encountered an internal error. Please try again."
	case cloudWatch, stsService, snsService:
		code, message = "InternalFailure", "The request processing has failed because of an unknown error, exception or failure."
	}
	return &apiError{http.StatusInternalServerError, code, message}
}

// reset ends the connection without an answer, with a TCP reset where it can.
func reset(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // if it cannot, the client sees an end instead
			}
			_ = conn.Close() // there is nobody to tell
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// nowhere is where an answer goes that never arrives.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}

// pageAnswer is an answer that holds a page of a list. withToken returns it with
// another token in place of its own.
type pageAnswer interface {
	withToken(func(next string) string) any
}

func (out listCommandInvocationsOutput) withToken(f func(string) string) any {
	out.NextToken = f(out.NextToken)
	return out
}

func (out describeInstanceInformationOutput) withToken(f func(string) string) any {
	out.NextToken = f(out.NextToken)
	return out
}

func (out describeInstancesResponse) withToken(f func(string) string) any {
	out.NextToken = f(out.NextToken)
	return out
}

// repeat is the token that is answered in place of the right one.
func (q *request) repeat(next string) string {
	asked := q.form.Get("NextToken")
	if q.form == nil {
		var in struct{ NextToken string }
		_ = json.Unmarshal(q.body, &in) // it was read before
		asked = in.NextToken
	}
	t, _ := readToken(asked) // it was read before
	switch {
	case t.repeat && next == "":
		return asked
	case t.repeat || q.repeats == nil:
		return next
	}
	q.repeats()
	return token{item: t.item, repeat: true}.String()
}
