package suspect

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"aidefleet/node/result"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// skew is how much earlier than its request an answer may say that it began: the clocks of
// hosts are not exact.
const skew = 5 * time.Minute

// replayed are findings of an answer that was given before.
func replayed(h report.Host, a Answer, pin ledger.Pin) (list []report.Finding) {
	switch {
	case !h.Began.IsZero() && h.Began.Before(a.Requested.Add(-skew)):
		list = append(list, report.Finding{
			Kind: report.ReplayedAnswer, Is: h.Began.UTC().Format(time.RFC3339), Was: a.Requested.UTC().Format(time.RFC3339),
			Message: fmt.Sprintf("its check began %s before it was requested: it is an old answer, or the host's clock is wrong", a.Requested.Sub(h.Began).Round(time.Second)),
		})
	case h.Report != "" && h.Report == pin.Report:
		list = append(list, report.Finding{
			Kind: report.ReplayedAnswer, Is: h.Report,
			Message: "it answered with report " + h.Report + ", as it did to the check before",
		})
	}
	return list
}

// dropped is the finding of a check that looks at fewer entries than the one before,
// although baseline and configuration are the same. Files that the check itself reports
// as added or removed do not count.
func dropped(h report.Host, pin ledger.Pin, changed bool) []report.Finding {
	now := entries(h)
	if changed || now == 0 || pin.Entries == 0 || 10*now >= 9*pin.Entries {
		return nil
	}
	return []report.Finding{{
		Kind: report.DroppedEntries, Was: fmt.Sprint(pin.Entries), Is: fmt.Sprint(now),
		Message: fmt.Sprintf("it looks at %d entries, before at %d, and reports no such removal", now, pin.Entries),
	}}
}

func isDropped(f report.Finding) bool { return f.Kind == report.DroppedEntries }

// entries are those of a host's baseline that a check looked at; 0 if they are not known.
func entries(h report.Host) int {
	if h.Counts == nil || h.Total == 0 {
		return 0
	}
	return h.Total - h.Added + h.Removed
}

// removed is the finding of a baseline that is gone.
func removed(h report.Host, pin ledger.Pin, a Answer) []report.Finding {
	gone := h.Reason == report.Reason(result.BaselineRemoved) || h.Reason == report.Reason(result.BaselineMissing) && pin.Baseline != ""
	if !gone {
		return nil
	}
	return []report.Finding{{Kind: report.RemovedBaseline, Was: pin.Baseline, Message: "its baseline is gone" + since(pin, a)}}
}

func since(pin ledger.Pin, a Answer) string {
	if pin.Seen.IsZero() || pin.Seen.Equal(a.Requested) {
		return ""
	}
	return " since " + pin.Seen.UTC().Format(time.RFC3339)
}

// unpinned is the finding of a host on which another program is in the node's place than
// may be there, as the script from outside says.
func unpinned(h report.Host) []report.Finding {
	if h.Reason != report.ProgramUnexpected {
		return nil
	}
	return []report.Finding{{Kind: report.UnexpectedProgram, Message: "another program may be in the place of aide-node: the check was not begun"}}
}

// unsaid is the finding of a check that does not name what it rests on.
func unsaid(h report.Host) []report.Finding {
	if h.Status != report.Clean && h.Status != report.Drift {
		return nil
	}
	var what string
	switch {
	case h.Baseline == nil && h.Config == "":
		what = "neither baseline nor configuration"
	case h.Baseline == nil:
		what = "no baseline"
	case h.Config == "":
		what = "no configuration"
	default:
		return nil
	}
	return []report.Finding{{Kind: report.UnsaidBaseline, Message: "it says " + string(h.Status) + " and names " + what}}
}

// findings are those of one change.
func (c *Comparison) findings(i int, one *change) (list []report.Finding) {
	h := c.hosts[i]
	if one.baseline {
		is := h.Baseline.SHA256
		list = append(list, report.Finding{
			Kind: report.UnexpectedBaseline, Was: one.pin.Baseline, Is: is,
			Message: fmt.Sprintf("baseline %s in place of %s, and no action of ours made it", short(is), short(one.pin.Baseline)),
		})
		if whose := c.copied[is]; whose != "" && whose != h.Instance {
			list = append(list, report.Finding{
				Kind: report.CopiedBaseline, Was: one.pin.Baseline, Is: is, Message: "its baseline is that of " + whose,
			})
		}
	}
	if one.config {
		list = append(list, report.Finding{
			Kind: report.UnexpectedConfig, Was: one.pin.Config, Is: h.Config,
			Message: fmt.Sprintf("AIDE's configuration is %s in place of %s, and no action of ours made it", short(h.Config), short(one.pin.Config)),
		})
	}
	if one.aide {
		list = append(list, another("AIDE", h.AIDE, h.AIDESHA256, one.pin.AIDE, one.pin.AIDESHA256))
	}
	if one.node {
		list = append(list, another("aide-node", h.Node, h.NodeSHA256, one.pin.Node, one.pin.NodeSHA256))
	}
	return append(list, one.rest...)
}

// another is the finding of another program.
func another(what, version, sha256, wasVersion, was string) report.Finding {
	f := report.Finding{Kind: report.UnexpectedProgram, Was: was, Is: sha256}
	switch {
	case sha256 == "":
		f.Message = fmt.Sprintf("%s %s no longer says its digest, which was %s", what, version, short(was))
	case version == wasVersion:
		f.Message = fmt.Sprintf("%s %s is %s in place of %s, with the same version", what, version, short(sha256), short(was))
	default:
		f.Message = fmt.Sprintf("%s %s (%s) in place of %s (%s), and no install of ours put it there", what, version, short(sha256), wasVersion, short(was))
	}
	return f
}

// lonePrograms are findings of programs that hosts took in an upgrade that all others with the
// same program before came out of with another digest: at least two, all with one.
func (c *Comparison) lonePrograms() map[int]report.Finding {
	found := map[int]report.Finding{}
	for i, one := range c.changes {
		before := report.Host{AIDE: one.pin.AIDE, AIDESHA256: one.pin.AIDESHA256, Node: one.pin.Node, NodeSHA256: one.pin.NodeSHA256}
		for _, was := range programs(&before) {
			for _, is := range programs(&c.hosts[i]) {
				if was.what == is.what && was != is && isLone(c.peers[was], is) {
					found[i] = report.Finding{
						Kind: report.LoneProgram, Was: was.sha256, Is: is.sha256,
						Message: fmt.Sprintf("%s %s is %s here alone, and another on all hosts that had the same before", is.what, is.version, short(is.sha256)),
					}
				}
			}
		}
	}
	return found
}

func isLone(now digest, is program) bool {
	if now[is] != 1 {
		return false
	}
	others := slices.DeleteFunc(slices.Collect(maps.Keys(now)), func(p program) bool { return p == is || p.version != is.version })
	return len(others) == 1 && now[others[0]] >= 2
}

// short is the beginning of a digest, as people compare them.
func short(digest string) string { return digest[:min(len(digest), 12)] }
