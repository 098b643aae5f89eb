package sweep

import (
	"context"
	"errors"
	"slices"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
)

// Then runs another document on the hosts on which the one before succeeded, as its
// report and its error say. The report has every host once: as its last command left it.
// If the command before was interrupted or lost, or succeeded nowhere, nothing is run.
func Then(ctx context.Context, regions []Region, before report.Report, err error, o Options) (report.Report, error) {
	var partial *PartialError
	if err != nil && !errors.As(err, &partial) {
		return before, err
	}
	clean := slices.DeleteFunc(slices.Clone(before.Hosts), func(h report.Host) bool { return h.Status != report.Clean })
	if len(clean) == 0 {
		return before, err
	}
	o.Metrics.Fleet = before.Fleet
	// A tag is one command; but it would reach the other hosts too.
	if len(clean) < len(before.Hosts) || partial != nil || len(o.Selector.Tags) == 0 {
		o.Selector = fleet.Selector{}
		for _, h := range clean {
			o.Selector.Instances = append(o.Selector.Instances, h.Instance)
		}
	}
	next, nextErr := Run(ctx, regionsOf(regions, clean), o)
	return continued(before, next), joined(len(regions), partial, nextErr)
}

// regionsOf are the regions that hosts are in.
func regionsOf(regions []Region, hosts []report.Host) []Region {
	return slices.DeleteFunc(slices.Clone(regions), func(r Region) bool {
		return !slices.ContainsFunc(hosts, func(h report.Host) bool {
			return h.Region == r.Name && (h.Account == r.Account || h.Account == "" || r.Account == "")
		})
	})
}

// joined is the error of two steps: that of the second, with the regions that
// the first left out.
func joined(regions int, first *PartialError, second error) error {
	var partial *PartialError
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	case errors.As(second, &partial):
		return &PartialError{Failed: first.Failed + partial.Failed, Regions: regions, First: first.First}
	}
	return second
}

// continued is a report with what the hosts said to the next command in place of
// what they said before. Where that is not known a host has not come to its end.
func continued(rep, next report.Report) report.Report {
	answers := make(map[string]report.Host, len(next.Hosts))
	for _, h := range next.Hosts {
		answers[h.Instance] = h
	}
	list := rep.Hosts
	for i, h := range list {
		answer, asked := answers[h.Instance]
		delete(answers, h.Instance)
		switch {
		case h.Status != report.Clean: // it was not to be sent the next
		case asked:
			list[i] = answer
		default:
			list[i].Status, list[i].Counts, list[i].Reason = report.Missing, nil, report.NotSent
			list[i].Next = report.NotSent.Next(h.Instance, "")
		}
	}
	for _, h := range next.Hosts {
		if _, left := answers[h.Instance]; left { // it has the tag since
			list = append(list, h)
		}
	}
	rep.SetHosts(list)
	rep.Commands = append(rep.Commands, next.Commands...)
	rep.Errors = append(rep.Errors, next.Errors...)
	if next.Finished.After(rep.Finished) {
		rep.Finished = next.Finished
	}
	return rep
}
