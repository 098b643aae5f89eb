// Package simulate makes hosts without a sandbox, for scale: what they are, how
// long a check takes on them and what they say follows from a seed. A host is a
// few bytes, and nothing runs for it.
package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"aidefleet/lab/cloud"
)

// MaxHosts is the largest fleet.
const MaxHosts = 1_000_000

// Options say how a fleet is made.
type Options struct {
	Hosts int
	Seed  uint64
	// Speed is how many seconds pass on a host in one: at 60, a check that takes
	// a minute ends after a second.
	Speed float64
	// Groups is how many groups of changes the fleet has, of which each drifting host shows
	// some; 0 is that hosts tell none.
	Groups int
	Shares
}

// Shares are the shares of hosts, from 0 to 1, that are not simply clean. Except
// for LongOutput and Hybrid they do not overlap, and each is exact: 0.05 of 1,000 hosts are 50.
type Shares struct {
	Stopped       float64 // the instance is stopped
	Unmanaged     float64 // no agent has ever registered
	LoseAgent     float64 // half are silent from the start, half fall silent in the check
	Undeliverable float64
	TimeOut       float64 // the agent ends the script
	KillWorker    float64 // the agent's worker is killed in the middle of the script
	Garbage       float64 // what is printed is no result line
	Fail          float64 // the check fails, with a reason
	Drift         float64
	LongOutput    float64 // of hosts of any kind: 24,000 bytes, the result line first
	Hybrid        float64 // of hosts that have or had an agent: they are no EC2 instances
}

// Default are the options of a fleet of which nothing is said but its size:
// 10,000 hosts end their checks within about 5 s.
var Default = Options{Hosts: 1000, Seed: 1, Speed: 60, Shares: Shares{Drift: 0.05, Fail: 0.01}}

// kind is what a host is like.
type kind uint8

const (
	clean kind = iota
	stopped
	unmanaged
	silent           // from the start
	fallsSilent      // in the middle of the check
	undelivered      // the command never arrives
	timesOut         // the script is ended
	printsTrash      // garbage instead of a result line
	fails            // with a reason of the node's
	drifts           // there are changes
	losesWorker      // the agent's worker is killed
	kinds       = 11 // how many there are
)

// shares are the shares in the order in which they are dealt out.
func (s Shares) shares() [kinds]float64 {
	return [kinds]float64{
		stopped: s.Stopped, unmanaged: s.Unmanaged, silent: s.LoseAgent / 2, fallsSilent: s.LoseAgent / 2,
		undelivered: s.Undeliverable, timesOut: s.TimeOut, printsTrash: s.Garbage, fails: s.Fail, drifts: s.Drift,
		losesWorker: s.KillWorker,
	}
}

// Check says what is wrong with the options.
func (o Options) Check() error {
	if o.Hosts < 1 || o.Hosts > MaxHosts {
		return fmt.Errorf("%d simulated hosts: want 1 to %d", o.Hosts, MaxHosts)
	}
	if !(o.Speed > 0) || math.IsInf(o.Speed, 0) {
		return fmt.Errorf("speed %g: want a number above 0", o.Speed)
	}
	if o.Groups < 0 {
		return fmt.Errorf("%d groups of changes: want none or more", o.Groups)
	}
	sum := 0.0
	shares := o.shares()
	for _, share := range append(shares[:], o.LongOutput, o.Hybrid) {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("share of hosts %g: want a number from 0 to 1", share)
		}
		sum += share
	}
	if sum -= o.LongOutput + o.Hybrid; sum > 1+1e-9 {
		return fmt.Errorf("the shares of hosts add up to %g: want 1 at most", sum)
	}
	return nil
}

// New makes a fleet: host-000001 and so on, nine in ten with the tag env=prod.
// Those that have an agent have had it since now.
func New(o Options, now time.Time) ([]cloud.Instance, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(o.Seed, 0))
	hosts := make([]host, o.Hosts)
	for n := range hosts {
		hosts[n] = host{seed: random.Uint64(), speed: o.Speed, groups: o.Groups}
	}
	order := random.Perm(o.Hosts)
	for is, share := range o.shares() {
		count := min(len(order), int(math.Round(share*float64(o.Hosts))))
		for _, n := range order[:count] {
			hosts[n].kind = kind(is)
		}
		order = order[count:]
	}
	order = random.Perm(o.Hosts)
	for _, n := range order[:int(math.Round(o.LongOutput*float64(o.Hosts)))] {
		hosts[n].long = true
	}
	ids := newIDs(random, o.Hosts)
	left := int(math.Round(o.Hybrid * float64(o.Hosts)))
	for n := range hosts {
		// EC2 knows none of them: one that is stopped or has no agent nobody knows.
		if left > 0 && hosts[n].kind != stopped && hosts[n].kind != unmanaged {
			ids[n] = "m" + ids[n]
			left--
		}
	}
	instances := make([]cloud.Instance, o.Hosts)
	for n := range hosts {
		hosts[n].role = roles[random.IntN(len(roles))]
		instances[n] = hosts[n].instance(n, ids[n], random.IntN(10) > 0, now)
	}
	return instances, nil
}
