package report

import "time"

// Suspicion is what is wrong with what a host says.
type Suspicion string

// What makes a host suspect.
const (
	UnexpectedBaseline Suspicion = "baseline_unexpected" // a baseline that no action of ours explains
	RemovedBaseline    Suspicion = "baseline_removed"    // there was one, and it is gone
	UnsaidBaseline     Suspicion = "baseline_unsaid"     // a check that names no baseline or no configuration
	CopiedBaseline     Suspicion = "baseline_copied"     // another host's baseline, which this one did not have before
	UnexpectedConfig   Suspicion = "config_unexpected"   // a configuration that no action of ours explains
	UnexpectedProgram  Suspicion = "program_unexpected"  // an AIDE or a node that no action or version explains
	LoneProgram        Suspicion = "program_lone"        // an AIDE or a node that differs from all others of its version
	LoneChange         Suspicion = "lone_change"         // new changes that no other host has
	ReplayedAnswer     Suspicion = "answer_replayed"     // an answer from before the request, or one that was given before
	DroppedEntries     Suspicion = "entries_dropped"     // more than a tenth of the entries are no longer looked at
)

// Suspicions are all kinds of findings.
func Suspicions() []Suspicion {
	return []Suspicion{
		UnexpectedBaseline, RemovedBaseline, UnsaidBaseline, CopiedBaseline, UnexpectedConfig, UnexpectedProgram,
		LoneProgram, LoneChange, ReplayedAnswer, DroppedEntries,
	}
}

// Finding is why a host is suspect. It stays until somebody acknowledges it.
type Finding struct {
	Kind    Suspicion `json:"finding"`
	Message string    `json:"message"`
	Since   time.Time `json:"since"`         // request of the sweep that found it
	Was     string    `json:"was,omitempty"` // digest or version
	Is      string    `json:"is,omitempty"`
}
