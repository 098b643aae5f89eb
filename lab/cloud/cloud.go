// Package cloud is the lab's AWS: the operations of SSM, of the agent's message
// service, of EC2 and of STS that the project uses, and S3, behind one http.Handler.
//
// It keeps its state in memory, checks what the real services check and answers
// in their shapes and spellings. Sources are the API references of AWS Systems
// Manager and Amazon EC2, the Systems Manager user guide, and the source of
// aws/amazon-ssm-agent 3.x for the message service, which has no reference.
// A request is taken only if it is signed with a key that the account knows.
package cloud

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"aidefleet/lab/s3"
	"aidefleet/lab/sigv4"
)

const (
	defaultConsistency  = 150 * time.Millisecond
	defaultAgentSilence = 15 * time.Second
	// defaultLongPoll is how long GetMessages waits for a message.
	defaultLongPoll = 5 * time.Second
)

// Config says which account in which region this is.
type Config struct {
	Region  string // "us-east-1"
	Account string // twelve digits
	// Accounts are those whose roles can be taken; by default only Account.
	Accounts []string

	// Keys are those that may sign requests. Without them nobody may.
	Keys *sigv4.Keys

	// Metrics serves CloudWatch. Without it CloudWatch knows no operation.
	Metrics http.Handler
	// Objects serves S3. Without it S3 has no buckets.
	Objects *s3.Store

	// Consistency is how long after SendCommand a command has no targets and no
	// invocations yet: 150 ms if 0, none if negative.
	Consistency time.Duration
	// AgentSilence is how long an agent may be silent before its node is
	// ConnectionLost: 15 s if 0.
	AgentSilence time.Duration

	// Faults are what goes wrong between a client and the account, and Failures of
	// which calls.
	Faults   Faults
	Failures []Failure
	// Check is the document about whose last command GET /lab/stats tells the truth.
	Check string

	Logger *slog.Logger     // default: nowhere
	Now    func() time.Time // default: the real clock
}

// Cloud is the account. It serves any number of requests at once.
type Cloud struct {
	config   Config
	longPoll time.Duration
	now      func() time.Time // a seam for tests
	handle   handler

	closed context.Context // done once Close was called
	close  context.CancelFunc

	mu        sync.Mutex // guards all below
	calls     map[string]int
	faults    map[string]int   // by kind
	failures  []Failure        // in force, until Fail
	sent      map[string]int   // commands by document
	nodes     map[string]*node // by instance id
	sorted    []*node          // in the order of their ids
	documents map[string]*document
	commands  map[string]*command
	history   []*command // oldest first
	active    []*command // those that have not ended

	parameters map[string]stored
	bus        []busEvent // that were put on it, oldest first
	published  []notification
}

// New makes an account with these instances and no documents.
func New(c Config, instances ...Instance) *Cloud {
	if c.Consistency == 0 {
		c.Consistency = defaultConsistency
	}
	if c.AgentSilence <= 0 {
		c.AgentSilence = defaultAgentSilence
	}
	if len(c.Accounts) == 0 {
		c.Accounts = []string{c.Account}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Keys == nil {
		c.Keys = sigv4.New()
	}
	if c.Objects == nil {
		c.Objects = s3.New(c.Region)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	cloud := &Cloud{
		config:    c,
		longPoll:  defaultLongPoll,
		now:       c.Now,
		failures:  c.Failures,
		calls:     make(map[string]int),
		faults:    make(map[string]int),
		sent:      make(map[string]int),
		nodes:     make(map[string]*node, len(instances)),
		documents: make(map[string]*document),
		commands:  make(map[string]*command),

		parameters: make(map[string]stored),
	}
	cloud.closed, cloud.close = context.WithCancel(context.Background())
	cloud.handle = cloud.authenticated(cloud.counted(cloud.faulty(cloud.failing(cloud.dispatch))))
	for _, i := range instances {
		cloud.nodes[i.ID] = newNode(i)
	}
	cloud.sorted = slices.SortedFunc(maps.Values(cloud.nodes), func(a, b *node) int { return strings.Compare(a.ID, b.ID) })
	return cloud
}

// Close ends all long polls at once; every later one ends at once too.
func (c *Cloud) Close() { c.close() }

// ServeHTTP answers every request of every service, and GET /lab/stats.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := newUUID()
	w.Header().Set("X-Amzn-Requestid", id)
	if r.URL.Path == statsPath {
		serveStats(w, r, c)
		return
	}
	q, err := identify(w, r)
	q.id = id
	if err != nil {
		c.config.Logger.Warn("request refused", "method", r.Method, "path", r.URL.Path, "error", err)
		q.refuse(w, err)
		return
	}
	c.handle(w, r, q)
}

// handler serves a request whose operation is known. Handlers that do something
// to every request are chained in New.
type handler func(http.ResponseWriter, *http.Request, *request)

func (c *Cloud) counted(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, q *request) {
		c.mu.Lock()
		c.calls[q.operation]++
		c.mu.Unlock()
		next(w, r, q)
	}
}

// dispatch hands a request over to its service.
func (c *Cloud) dispatch(w http.ResponseWriter, r *http.Request, q *request) {
	var answer any
	var err error
	switch q.service {
	case cloudWatch:
		if c.config.Metrics != nil {
			r.Body = q.restore()
			c.config.Metrics.ServeHTTP(w, r)
			return
		}
		err = q.unknownOperation()
	case s3Service:
		c.config.Objects.Serve(w, r, q.body)
		return
	case ec2Service:
		answer, err = c.serveEC2(q)
	case stsService:
		answer, err = c.serveSTS(q)
	case snsService:
		answer, err = c.serveSNS(q)
	default:
		operation, ok := operations[q.service+"."+q.operation]
		if !ok {
			err = q.unknownOperation()
			break
		}
		answer, err = operation(r.Context(), c, q.body)
	}
	if err != nil {
		c.config.Logger.Debug("call refused", "operation", q.operation, "error", err)
		q.refuse(w, err)
		return
	}
	if p, ok := answer.(pageAnswer); ok && c.config.Faults.RepeatPages > 0 {
		answer = p.withToken(q.repeat)
	}
	q.answer(w, answer)
}
