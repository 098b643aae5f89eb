package evidence

import (
	"time"

	"aidefleet/orchestrator/ledger"
)

// tolerance is how far the clock of who acts may be from that of the service, which dates
// sweeps.
const tolerance = 5 * time.Minute

// done is an action on one host.
type done struct {
	ledger.Change
	kind     ledger.Kind
	when     time.Time
	who, why string
}

// byInstance are the actions that were done on each host, the oldest first.
func byInstance(actions []ledger.Action) map[string][]done {
	by := map[string][]done{}
	for _, a := range actions {
		for _, h := range a.Hosts {
			if h.Done {
				by[h.Instance] = append(by[h.Instance], done{h, a.Kind, a.When, a.Who, a.Why})
			}
		}
	}
	return by
}

func changesBaseline(k ledger.Kind) bool {
	return k == ledger.Accept || k == ledger.Init || k == ledger.Undo
}

// madeBaseline says that an action can have made a baseline: its answer named that one, or
// none.
func madeBaseline(a done, baseline string) bool {
	return a.After.Baseline == "" || a.After.Baseline == baseline
}
