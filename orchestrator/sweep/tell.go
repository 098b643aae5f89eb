package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"aidefleet/node/result"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/notify"
	"aidefleet/orchestrator/report"
)

// tell is a stage: it sends a digest of what is new in a sweep that was published.
// The ledger knows what was sent, so that each finding comes once; without one suspects
// come with each sweep.
func (r *run) tell(ctx context.Context) {
	if !r.published || r.Events.PutEvents == nil {
		return
	}
	if err := r.tellNew(ctx, false); err != nil {
		r.errs = append(r.errs, err)
	}
}

// tellAttempts is how often it is noted again what was told, if other sweeps do so
// meanwhile.
const tellAttempts = 20

// tellNew sends what nobody was told of, and then notes that. If it ends between the two, it
// is told again. An early digest is of the hosts that have answered.
func (r *run) tellNew(ctx context.Context, early bool) error {
	var told *ledger.Told
	part := *r // the report of the sweep stays whole
	r = &part
	if r.ledger != nil && r.down == nil {
		var err error
		if told, err = r.ledger.Told(ctx, r.account(), r.Name); err == nil {
			r.report.Hosts, err = r.notSuperseded(ctx)
		}
		if err != nil {
			return fmt.Errorf("what people were told of is not known, and nobody was told: %w", err)
		}
	}
	open := r.open(early)
	d := r.digest(open, told)
	d.Early = early
	if !d.Empty() {
		if sent, err := notify.Send(ctx, r.Events, d); err != nil || !sent {
			return err
		}
	}
	if told == nil {
		return nil
	}
	if err := r.noteTold(ctx, open, told, early); err != nil {
		return fmt.Errorf("what was told is not in the ledger, and will be told again: %w", err)
	}
	return nil
}

// notSuperseded are the hosts without those that have answered a newer sweep: what an older
// one found on them is no news, and is not there any more for all it knows.
func (r *run) notSuperseded(ctx context.Context) ([]report.Host, error) {
	asked := r.report.Started
	for _, c := range r.sent() {
		if c.Requested.After(asked) {
			asked = c.Requested
		}
	}
	newer := map[string]bool{}
	pins, err := r.ledger.Pins(ctx, r.account(), r.Name)
	if err == nil {
		err = pins.Each(func(pin ledger.Pin) error {
			if pin.Seen.After(asked) {
				newer[pin.Instance] = true
			}
			return nil
		})
	}
	if len(newer) == 0 {
		return r.report.Hosts, err
	}
	return slices.DeleteFunc(slices.Clone(r.report.Hosts), func(h report.Host) bool { return newer[h.Instance] }), err
}

// noteTold writes what is open, and was told. What a whole sweep no longer shows is new if
// it comes again.
func (r *run) noteTold(ctx context.Context, open map[string][]string, told *ledger.Told, early bool) (err error) {
	for range tellAttempts {
		changed := !told.Known
		for _, h := range r.report.Hosts {
			was, is := told.Hosts[h.Instance], open[h.Instance]
			if early {
				is = union(was, is)
			}
			if slices.Equal(was, is) {
				continue
			}
			changed = true
			if told.Hosts[h.Instance] = is; len(is) == 0 {
				delete(told.Hosts, h.Instance)
			}
		}
		for _, h := range r.report.Left {
			if _, known := told.Hosts[h.Instance]; known {
				changed = true
				delete(told.Hosts, h.Instance)
			}
		}
		if !changed {
			return nil
		}
		if err = r.ledger.ReplaceTold(ctx, r.account(), r.Name, told); !errors.Is(err, ledger.ErrChanged) {
			return err
		}
		if told, err = r.ledger.Told(ctx, r.account(), r.Name); err != nil {
			return err
		}
	}
	return err
}

func union(a, b []string) []string {
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	return slices.Compact(all)
}

// The keys of findings.
func suspectKey(f report.Finding) string { return "suspect " + string(f.Kind) + " " + f.Is }
func groupKey(g result.Group) string     { return "group " + g.At + " " + g.Fingerprint }
func reasonKey(h report.Host) string     { return string(h.Status) + " " + string(h.Reason) }

// open are the keys of what there is to tell of each host, in order. What is expected of
// held hosts is not told, and early nothing of hosts that have not answered.
func (r *run) open(early bool) map[string][]string {
	byNature := uniqueGroups(r.report.Hosts)
	open := map[string][]string{}
	for _, h := range r.report.Hosts {
		var keys []string
		for _, f := range h.Suspect {
			keys = append(keys, suspectKey(f))
		}
		switch {
		case h.Held != nil:
		case h.Status == report.Drift:
			for _, g := range h.Groups {
				if !byNature[groupOf{h.Instance, g}] {
					keys = append(keys, groupKey(g))
				}
			}
		case h.Status == report.Failed, h.Status == report.Missing && !early:
			keys = append(keys, reasonKey(h))
		}
		if len(keys) > 0 {
			open[h.Instance] = union(keys, nil)
		}
	}
	return open
}

// groupOf is a group on a host.
type groupOf struct {
	instance string
	group    result.Group
}

// uniqueGroups are the groups that have nothing but changes that are unique by nature.
func uniqueGroups(hosts []report.Host) map[groupOf]bool {
	unique := map[groupOf]bool{}
	lone := report.FindLone(hosts)
	for i := range hosts {
		for _, g := range hosts[i].Groups {
			if lone.Alone(g) && lone.ByNature(&hosts[i], g) {
				unique[groupOf{hosts[i].Instance, g}] = true
			}
		}
	}
	return unique
}

// namedHosts is how many hosts of a group a digest names.
const namedHosts = 12

// digest is what is open and nobody was told of. Without a ledger only suspects are.
func (r *run) digest(open map[string][]string, told *ledger.Told) notify.Digest {
	d := notify.Digest{Fleet: report.Escape(r.report.Fleet), Account: r.account(), Region: r.Name, Started: r.report.Started, History: "orchestrator history --fleet " + report.Quote(report.Escape(r.report.Fleet)) + " --since 2d", First: told != nil && !told.Known}
	isNew := func(h report.Host, key string) bool {
		return slices.Contains(open[h.Instance], key) && (told == nil || !slices.Contains(told.Hosts[h.Instance], key))
	}
	groups, failures := map[string]int{}, map[string]int{}
	accept := acceptFor(r.report.Target)
	for i := range r.report.Hosts {
		h := &r.report.Hosts[i]
		if s := suspectOf(h, isNew); len(s.Findings) > 0 {
			d.Suspects = append(d.Suspects, s)
		}
		if told == nil || h.Held != nil {
			continue
		}
		for _, g := range h.Groups {
			switch key := groupKey(g); {
			case !isNew(*h, key):
			case g.At == result.PackagesGroup:
				d.Explained += g.N
			default:
				at, known := groups[key]
				if !known {
					at = len(d.Groups)
					groups[key] = at
					d.Groups = append(d.Groups, newGroup(h, g, accept))
				}
				add(&d.Groups[at].Hosts, h)
			}
		}
		if key := reasonKey(*h); h.Counts == nil && isNew(*h, key) {
			at, known := failures[key]
			if !known {
				at = len(d.Failures)
				failures[key] = at
				d.Failures = append(d.Failures, notify.Failure{Status: string(h.Status), Reason: report.Escape(string(h.Reason)), Next: report.Escape(h.Next)})
			}
			add(&d.Failures[at].Hosts, h)
		}
	}
	// What one host alone has matters most; then what the most hosts have.
	slices.SortStableFunc(d.Groups, func(a, b notify.Group) int { return weight(b.Count) - weight(a.Count) })
	slices.SortStableFunc(d.Failures, func(a, b notify.Failure) int { return b.Count - a.Count })
	return d
}

func weight(hosts int) int {
	if hosts == 1 {
		return 1 << 30
	}
	return hosts
}

func add(to *notify.Hosts, h *report.Host) {
	if to.Count++; len(to.Names) < namedHosts {
		to.Names = append(to.Names, report.Escape(h.Label()))
	}
}

func newGroup(h *report.Host, g result.Group, accept string) notify.Group {
	one := notify.Group{Group: report.Escape(g.At), Fingerprint: report.Escape(g.Fingerprint), Changes: g.N}
	for _, path := range h.PathsIn(g) {
		one.Paths = append(one.Paths, report.Escape(path))
	}
	one.Next = "orchestrator show " + report.Escape(h.Instance) + " --unexplained"
	if accept != "" {
		one.Next += "; " + accept + " --fingerprint " + one.Fingerprint
	}
	return one
}

func suspectOf(h *report.Host, isNew func(report.Host, string) bool) notify.Suspect {
	s := notify.Suspect{Instance: report.Escape(h.Instance), Name: report.Escape(h.Name)}
	for _, f := range h.Suspect {
		if isNew(*h, suspectKey(f)) {
			s.Findings = append(s.Findings, notify.Finding{Finding: report.Escape(string(f.Kind)), Message: report.Escape(f.Message)})
		}
	}
	for _, p := range h.Paths {
		s.Paths = append(s.Paths, report.Escape(p))
	}
	return s
}
