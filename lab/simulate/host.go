package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"aidefleet/lab/cloud"
	"aidefleet/node/result"
	documents "aidefleet/ssm-documents"
)

// Times on a host, before they are divided by the speed.
const (
	median    = time.Minute // of a check
	spread    = 0.5         // standard deviation of the logarithm of its duration
	shortest  = 5 * time.Second
	longest   = 5 * time.Minute
	slowest   = 3 * time.Second // delivery
	ending    = 2 * time.Second // of a script that is cancelled
	lostSince = time.Hour
)

var roles = [...]string{"web", "db", "cache"}

// environments have the tags of all hosts: every host with its own copy would
// cost more than all the rest of it.
var environments = func() (tags map[string]map[string]map[string]string) {
	tags = make(map[string]map[string]map[string]string)
	for _, env := range []string{"prod", "dev"} {
		tags[env] = make(map[string]map[string]string)
		for _, role := range roles {
			tags[env][role] = map[string]string{"env": env, "role": role}
		}
	}
	return tags
}()

// host is a simulated host. It implements cloud.Host.
type host struct {
	seed  uint64
	speed float64
	role  string
	kind  kind
	long  bool
	// groups is how many the fleet has, see Options.
	groups int
}

// newIDs makes ids that differ.
func newIDs(random *rand.Rand, count int) []string {
	seen := make(map[string]bool, count)
	ids := make([]string, 0, count)
	for len(ids) < count {
		id := fmt.Sprintf("i-%016x%x", random.Uint64(), random.IntN(16))
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// instance is the host as EC2 and SSM know it.
func (h *host) instance(n int, id string, prod bool, now time.Time) cloud.Instance {
	env := "dev"
	if prod {
		env = "prod"
	}
	i := cloud.Instance{
		ID: id, Name: fmt.Sprintf("host-%06d", n+1), Tags: environments[env][h.role],
		Type: "t3.micro", State: "running", PrivateIP: fmt.Sprintf("10.%d.%d.%d", n>>16&0xff, n>>8&0xff, n&0xff),
		Launched: now.Add(-24 * time.Hour), Host: h,
	}
	switch h.kind {
	case stopped:
		i.State, i.LastPing = "stopped", now.Add(-lostSince)
	case silent:
		i.LastPing = now.Add(-lostSince)
	case unmanaged:
	default:
		i.Online = true
	}
	return i
}

// random is the host's own source for one purpose: the same one every time.
func (h *host) random(purpose uint64) *rand.Rand { return rand.New(rand.NewPCG(h.seed, purpose)) }

// The purposes of random numbers.
const (
	forTime uint64 = iota
	forFinding
	forText
	forGroups
)

// Run implements cloud.Host. A script that is ended by the agent runs for the
// limit, or for as long as the longest check if that is less.
func (h *host) Run(document string, limit time.Duration) cloud.Course {
	random := h.random(forTime)
	took := time.Duration(float64(median) * math.Exp(spread*random.NormFloat64()))
	took = min(max(took, shortest), longest)
	c := cloud.Course{
		Delivery: h.scale(time.Duration(random.Int64N(int64(slowest)))),
		Duration: h.scale(took),
		Cancel:   h.scale(ending),
	}
	switch h.kind {
	case fallsSilent:
		c.End = cloud.FallsSilent
	case undelivered:
		c.End = cloud.Undeliverable
	case losesWorker:
		c.End = cloud.WorkerDies
	case timesOut:
		c.End, c.Duration = cloud.TimesOut, h.scale(min(limit, longest))
	default:
		if h.exit(document) != 0 {
			c.End = cloud.Fails
		}
	}
	return c
}

// scale is a time on the host as a time in the lab.
func (h *host) scale(d time.Duration) time.Duration { return time.Duration(float64(d) / h.speed) }

// Finding implements cloud.Host.
func (h *host) Finding() cloud.Finding {
	switch h.kind {
	case printsTrash:
		return cloud.Finding{Status: "failed", Reason: "bad_output"}
	case fails:
		return cloud.Finding{Status: "failed", Reason: string(h.failure().Reason)}
	case drifts:
		d := h.drift()
		return cloud.Finding{Status: "drift", Added: d.Added, Removed: d.Removed, Changed: d.Changed}
	}
	return cloud.Finding{Status: "clean"}
}

// failure is what the node says that cannot check.
func (h *host) failure() result.Line {
	return failures[h.random(forFinding).IntN(len(failures))]
}

// Deploys are in common to the hosts of a role, which then have the same
// fingerprint; the other changes are a host's own.
const deploys = 0.7

func (h *host) drift() result.Line {
	random := h.random(forFinding)
	if random.Float64() < deploys {
		return deployed(h.role)
	}
	return changes(random, "/etc")
}

// isCheck says that a document looks for changes. All others succeed wherever
// they can run.
func isCheck(document string) bool { return document == documents.Check }
