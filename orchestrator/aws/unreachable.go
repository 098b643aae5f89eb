package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// mostUnreachable is how often an endpoint is tried that refuses connections, or whose
	// name nobody knows: trying longer makes it no better.
	mostUnreachable = 3
	// quiet is for how long calls may be tried again before anybody is told, and the time
	// between two notices.
	quiet = 5 * time.Second
)

type retryNoticeKey struct{}

// WithRetryNotice returns a context with which Load and LoadAll say why a call is tried
// again, if that goes on for some seconds: one line, not too often.
func WithRetryNotice(ctx context.Context, notice func(line string)) context.Context {
	var mu sync.Mutex
	var last time.Time // of a notice, or of the first fault
	return context.WithValue(ctx, retryNoticeKey{}, func(attempt int, err error) {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		switch since := now.Sub(last); {
		case last.IsZero(), since > time.Minute: // what was tried again then is done
			last = now
			return
		case since < quiet:
			return
		}
		last = now
		notice(fmt.Sprintf("%s; trying again, attempt %d of %d", Explain(err), attempt+1, attempts))
	})
}

// watchful is a retryer that gives up soon on endpoints that cannot be reached, and tells
// why calls are tried again.
type watchful struct {
	aws.RetryerV2
	notice func(attempt int, err error) // nil tells nobody
}

// RetryDelay is Retryer.RetryDelay. Its error ends the call.
func (w watchful) RetryDelay(attempt int, err error) (time.Duration, error) {
	if attempt >= mostUnreachable && unreachable(err) {
		return 0, err
	}
	if w.notice != nil {
		w.notice(attempt, err)
	}
	return w.RetryerV2.RetryDelay(attempt, err)
}

// unreachable says that nobody listens at an endpoint, or that its name is unknown.
func unreachable(err error) bool {
	var dns *net.DNSError
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &dns) && dns.IsNotFound
}
