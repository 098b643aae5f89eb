package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// PartialError says that some accounts and regions could not be swept as a
// whole. The report beside it has their errors, and all that is known of the
// others, which were published.
type PartialError struct {
	Failed, Regions int
	First           error
}

func (e *PartialError) Error() string {
	return fmt.Sprintf("%d of %d accounts and regions failed, the first: %v", e.Failed, e.Regions, e.First)
}

// Found is who is meant in one account and region, or why that is not known.
type Found struct {
	Region
	Hosts []fleet.Host
	Err   error
}

// Find looks for the hosts that are meant, in all regions side by side. It fails
// if there are none anywhere, or with the error of the only region; of several
// regions each has its own. A named host is listed where it is, and with the
// first region that answered where it is nowhere.
func Find(ctx context.Context, regions []Region, s fleet.Selector) ([]Found, error) {
	found := make([]Found, len(regions))
	indices := make([]int, len(regions))
	for i, r := range regions {
		indices[i], found[i].Region = i, r
	}
	each(indices, func(i int) { found[i].Hosts, found[i].Err = fleet.Find(ctx, regions[i].Fleet, s) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(found) == 1 && found[0].Err != nil {
		return nil, found[0].Err
	}
	var nobody error
	somebody := false
	for i := range found {
		if errors.Is(found[i].Err, fleet.ErrNoMatch) {
			nobody, found[i].Err = found[i].Err, nil
		} else {
			somebody = true
		}
	}
	if !somebody {
		return nil, nobody
	}
	settle(found)
	return found, nil
}

// settle keeps a named host in one region only.
func settle(found []Found) {
	listed := map[string]bool{}
	for _, f := range found {
		for _, h := range f.Hosts {
			if h.Unreachable() != fleet.NotFound {
				listed[h.ID] = true
			}
		}
	}
	for i := range found {
		found[i].Hosts = slices.DeleteFunc(found[i].Hosts, func(h fleet.Host) bool {
			if h.Unreachable() != fleet.NotFound {
				return false
			}
			twice := listed[h.ID]
			listed[h.ID] = true
			return twice
		})
	}
}

// Everywhere is Run in several accounts and regions side by side, with one
// report. Each is published to its own CloudWatch. An account or region that
// fails does not lose the others.
func Everywhere(ctx context.Context, regions []Region, o Options) (report.Report, error) {
	found, err := Find(ctx, regions, o.Selector)
	if err != nil {
		return report.Report{}, err
	}
	o.Sent = inTurn(o.Sent)
	parts := make([]*part, len(found))
	for i, f := range found {
		parts[i] = newSweep(f.Region, o).split(f.Hosts)
		if f.Err != nil {
			parts[i].errs = append(parts[i].errs, f.Err)
		}
	}
	if err := ctx.Err(); err != nil {
		return report.Report{}, err
	}
	each(parts, func(p *part) { p.send(ctx) })
	return finish(ctx, parts, o)
}

// inTurn lets one call run at a time.
func inTurn(sent func(runcommand.Command, int, int)) func(runcommand.Command, int, int) {
	if sent == nil {
		return nil
	}
	var mu sync.Mutex
	return func(c runcommand.Command, hosts, reachable int) {
		mu.Lock()
		defer mu.Unlock()
		sent(c, hosts, reachable)
	}
}

// finish follows the commands that were sent, publishes and reports. An account and
// region is published when its own hosts have ended, however long the others take.
func finish(ctx context.Context, parts []*part, o Options) (report.Report, error) {
	var batches []*batch
	for _, p := range parts {
		batches = append(batches, p.sent()...)
	}
	together(batches, o.Progress)

	wctx, stop := ctx, context.CancelFunc(func() {})
	if o.Wait > 0 {
		wctx, stop = context.WithTimeout(ctx, o.Wait)
	}
	defer stop()
	var g errgroup.Group // a part waits for its hosts: none waits for another
	for _, p := range parts {
		g.Go(func() error {
			each(p.sent(), func(b *batch) { b.follow(ctx, wctx) })
			if ctx.Err() == nil {
				p.conclude(ctx)
			}
			return nil
		})
	}
	_ = g.Wait()

	var interrupted *InterruptedError
	if ctx.Err() != nil && slices.ContainsFunc(parts, func(p *part) bool { return p.result == nil }) {
		if len(batches) == 0 || o.Detached {
			return report.Report{}, ctx.Err()
		}
		interrupted = interrupt(ctx, parts)
	}
	reports := make([]report.Report, len(parts))
	unfinished := false
	for i, p := range parts {
		reports[i] = *p.result
		unfinished = unfinished || !p.allKnown(reports[i])
	}
	r := merge(parts[0].FleetName, reports)
	r.Errors = problems(parts, o.Explain)
	if interrupted != nil {
		return r, interrupted
	}
	return conclude(r, parts, len(batches) > 0, unfinished)
}

// conclude judges the hosts of a part, and publishes it if all is known of it. A part
// that could not be swept at all publishes nothing.
func (p *part) conclude(ctx context.Context) {
	if err := p.unread(); err != nil {
		p.errs = append(p.errs, err)
	}
	r := p.report()
	p.result = &r
	if len(r.Hosts) == 0 || !p.allKnown(r) || len(p.batches) > 0 && len(p.sent()) == 0 {
		return
	}
	var err error
	if p.Keep != nil {
		err = p.Keep(ctx, r)
	}
	if err == nil {
		err = p.publish(ctx, r)
	}
	if err != nil {
		p.errs = append(p.errs, p.unpublished(err))
	}
}

// conclude is the error beside a report.
func conclude(r report.Report, parts []*part, sent, unfinished bool) (report.Report, error) {
	var first error
	failed := 0
	for _, p := range parts {
		if len(p.errs) > 0 {
			failed++
			if first == nil {
				first = p.errs[0]
			}
		}
	}
	switch {
	case failed > 0 && len(parts) == 1 && !sent && len(parts[0].batches) > 0:
		return report.Report{}, first // nothing was done, and nothing is known but that
	case failed > 0 && len(parts) == 1:
		return r, first
	case failed > 0:
		return r, &PartialError{Failed: failed, Regions: len(parts), First: first}
	case unfinished:
		return r, ErrUnfinished
	}
	return r, nil
}

// problems are the errors of all parts, for the report.
func problems(parts []*part, explain func(error) string) (list []report.Error) {
	if explain == nil {
		explain = error.Error
	}
	for _, p := range parts {
		for _, err := range p.errs {
			list = append(list, report.Error{Account: p.Account, Role: p.Role, Region: p.Name, Error: explain(err)})
		}
	}
	return list
}

// merge makes one report of several. A host that is in two of them, since its
// commands overlap, is taken where it answered.
func merge(fleetName string, reports []report.Report) report.Report {
	r := report.Report{V: report.Version, Fleet: fleetName, Commands: []report.Command{}}
	for _, part := range reports {
		r.Commands = append(r.Commands, part.Commands...)
	}
	type key struct{ account, region, instance string }
	at := map[key]int{}
	var hosts []report.Host
	for _, part := range reports {
		for _, h := range part.Hosts {
			k := key{h.Account, h.Region, h.Instance}
			i, twice := at[k]
			switch {
			case !twice:
				at[k] = len(hosts)
				hosts = append(hosts, h)
			case hosts[i].Status == report.Missing:
				hosts[i] = h
			}
		}
		// Where nothing was sent, the time of its report is not the sweep's.
		if part.Started.IsZero() || len(r.Commands) > 0 && len(part.Commands) == 0 {
			continue
		}
		if r.Started.IsZero() || part.Started.Before(r.Started) {
			r.Started = part.Started
		}
		if part.Finished.After(r.Finished) {
			r.Finished = part.Finished
		}
	}
	r.Add(hosts...)
	return r
}

// together shows the progress of all commands as that of one.
func together(batches []*batch, show func(completed, targeted int)) {
	if show == nil {
		return
	}
	var mu sync.Mutex
	completed, targeted := make([]int, len(batches)), make([]int, len(batches))
	for i, b := range batches {
		targeted[i] = reachable(b.hosts) // until the service has counted them
		own := *b.sweep
		own.Progress = func(c, t int) {
			mu.Lock()
			defer mu.Unlock()
			if t > 0 {
				completed[i], targeted[i] = c, t
			}
			var cs, ts int
			for j := range completed {
				cs, ts = cs+completed[j], ts+targeted[j]
			}
			show(cs, ts)
		}
		b.sweep = &own
	}
}
