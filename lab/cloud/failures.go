package cloud

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// Failure is what befalls the calls of one operation, from one of them to another.
type Failure struct {
	Operation string
	From, To  int // calls, counted from 1; To is 0 for all that follow
	Kind      FailureKind
	Delay     time.Duration // of Slow
}

// FailureKind is how a call fails.
type FailureKind string

// The kinds of failures. Of the last three the call was done all the same.
const (
	Refused   FailureKind = "refused"    // the caller may not do that
	Broken    FailureKind = "error"      // HTTP 500
	Page      FailureKind = "html"       // HTTP 503 with a page of HTML, as a proxy answers
	Slow      FailureKind = "slow"       // it takes Delay longer
	LateError FailureKind = "late-error" // HTTP 500
	CutOff    FailureKind = "cut"        // the answer ends in the middle of its body
	Lost      FailureKind = "reset"      // the connection is reset
)

var failurePattern = regexp.MustCompile(`^([A-Za-z0-9]{1,64})(?::([1-9][0-9]{0,8})(?:-([1-9][0-9]{0,8}))?)?=([a-z0-9.µ-]{1,20})$`)

// ParseFailure reads OPERATION[:FROM[-TO]]=KIND, in which KIND can be the duration
// of Slow.
func ParseFailure(text string) (Failure, error) {
	const want = "want OPERATION[:FROM[-TO]]=KIND, such as ListCommandInvocations:2=refused; KIND is refused, error, html, late-error, cut, reset or a duration"
	m := failurePattern.FindStringSubmatch(text)
	if m == nil {
		return Failure{}, fmt.Errorf("%.80q: %s", text, want)
	}
	f := Failure{Operation: m[1], From: 1, Kind: FailureKind(m[4])}
	if m[2] != "" {
		f.From, _ = strconv.Atoi(m[2]) // nine digits
	}
	if m[3] != "" {
		f.To, _ = strconv.Atoi(m[3])
		if f.To < f.From {
			return Failure{}, fmt.Errorf("%.80q: call %d comes after call %d", text, f.From, f.To)
		}
	}
	switch f.Kind {
	case Refused, Broken, Page, LateError, CutOff, Lost:
		return f, nil
	}
	var err error
	if f.Delay, err = time.ParseDuration(m[4]); err != nil || f.Delay <= 0 {
		return Failure{}, fmt.Errorf("%.80q: %s", text, want)
	}
	f.Kind = Slow
	return f, nil
}

// Fail takes these failures in place of those that were there; none mends it all.
// Calls are counted on.
func (c *Cloud) Fail(failures ...Failure) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = failures
}

// failing lets the failures happen.
func (c *Cloud) failing(next handler) handler {
	calls := make(map[string]int)
	befalls := func(operation string) Failure {
		c.mu.Lock()
		defer c.mu.Unlock()
		calls[operation]++
		for _, f := range c.failures {
			if n := calls[operation]; f.Operation == operation && n >= f.From && (f.To == 0 || n <= f.To) {
				c.faults[string(f.Kind)]++
				return f
			}
		}
		return Failure{}
	}
	return func(w http.ResponseWriter, r *http.Request, q *request) {
		switch f := befalls(q.operation); f.Kind {
		case Refused:
			q.refuse(w, q.accessDenied())
		case Broken:
			q.refuse(w, q.internalError())
		case Page:
			write(w, "text/html", http.StatusServiceUnavailable, []byte(proxyPage))
		case Slow:
			if wait(r.Context(), f.Delay) == nil {
				next(w, r, q)
			}
		case LateError:
			next(nowhere{}, r, q)
			q.refuse(w, q.internalError())
		case CutOff:
			cutOff(w, func(w http.ResponseWriter) { next(w, r, q) })
		case Lost:
			next(nowhere{}, r, q)
			reset(w)
		default:
			next(w, r, q)
		}
	}
}

// proxyPage is how nginx says that there is nobody behind it.
const proxyPage = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n" +
	"<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"

// accessDenied is how each service says that the caller may not do that.
func (q *request) accessDenied() *apiError {
	message := "User is not authorized to perform: " + q.operation
	switch q.service {
	case ec2Service:
		return &apiError{http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation."}
	case cloudWatch, stsService, snsService, s3Service:
		return &apiError{http.StatusForbidden, "AccessDenied", message}
	}
	return badRequest("AccessDeniedException", "%s", message)
}

// cutOff promises a whole body and sends half of it. Of an answer without a body
// nothing arrives.
func cutOff(w http.ResponseWriter, answer func(http.ResponseWriter)) {
	whole := &recorder{header: http.Header{}, status: http.StatusOK}
	answer(whole)
	if whole.Len() < 2 {
		reset(w)
		return
	}
	for key, values := range whole.header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(whole.Len()))
	w.WriteHeader(whole.status)
	_, _ = w.Write(whole.Bytes()[:whole.Len()/2]) // the connection ends, since the rest is missing
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	bytes.Buffer
}

func (r *recorder) Header() http.Header    { return r.header }
func (r *recorder) WriteHeader(status int) { r.status = status }
