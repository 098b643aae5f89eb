package sweep

import (
	"context"
	"errors"

	"aidefleet/node/result"
	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
)

// ErrUnexplained is returned if packages explain changes on no host.
var ErrUnexplained = errors.New("packages explain changes on no host")

// Explained looks up on which hosts packages explain changes: an Acceptance for each
// different group of them, with all digits of its fingerprint. It sends nothing.
func Explained(ctx context.Context, regions []Region, s fleet.Selector, checks Checks) (list []Acceptance, err error) {
	var all []candidate
	err = eachLastCheck(ctx, regions, s, checks, func(r *run, _ fleet.Host, last lastCheck, _ bool) {
		for _, g := range last.Groups {
			if g.At == result.PackagesGroup {
				all = addCandidate(all, candidate{g.Fingerprint, g.At, last, r.Region}, g.Fingerprint)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		whole, err := one.whole(ctx)
		if err != nil {
			return nil, err
		}
		a, err := Acceptable(ctx, regions, s, whole, checks)
		if err != nil {
			return nil, err
		}
		for i := range a.Others {
			if h := &a.Others[i]; h.Status == report.Drift {
				h.Message = "not accepted: packages explain none of its changes"
			}
		}
		list = append(list, a)
	}
	if len(list) == 0 {
		return nil, ErrUnexplained
	}
	return list, nil
}

// AddAcceptance is a report of acceptances, with that of one more: a host is as the
// acceptance that it was chosen for left it.
func AddAcceptance(before, one report.Report, a Acceptance) report.Report {
	if len(before.Hosts) == 0 {
		return one
	}
	chosen := make(map[string]bool, len(a.Chosen))
	for _, h := range a.Chosen {
		chosen[h.Instance] = true
	}
	after := make(map[string]report.Host, len(a.Chosen))
	for _, h := range one.Hosts {
		if chosen[h.Instance] {
			after[h.Instance] = h
		}
	}
	hosts := make([]report.Host, 0, len(before.Hosts))
	for _, h := range before.Hosts {
		if now, ok := after[h.Instance]; ok {
			h = now
		}
		hosts = append(hosts, h)
	}
	before.Commands = append(before.Commands, one.Commands...)
	before.Finished = one.Finished
	before.SetHosts(hosts)
	return before
}
