package check

import (
	"fmt"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
	"aidefleet/node/state"
)

// otherConfig is the message of a check if the configuration is not the one of the
// baseline. AIDE compares only attributes that both have. Entries of the baseline that no
// rule selects any more are passed over up to 0.18, and removed from 0.19 on (populate_tree
// and the functions it calls in their gen_list.c).
func otherConfig(v aide.Version) string {
	excluded := "what it excludes now, and attributes that only one of the two has, were not compared"
	if v.TellsExcluded() {
		excluded = "what it excludes now is told as removed, and attributes that only one of the two has were not compared"
	}
	return "AIDE's configuration was changed since the baseline was taken: " + excluded + ". Review the configuration; then accept, or aide-node init --force"
}

// recordConfig records the present configuration for the baseline, unless one is recorded.
// It is called before the configuration is changed.
func (r *runner) recordConfig() error {
	// If the baseline cannot be read, the next check says so.
	if base, err := baseline.Inspect(r.config.Database, nil); err == nil && r.state.Baseline(base.SHA256).Config == "" {
		b := r.state.Baseline(base.SHA256)
		b.SHA256, b.Config = base.SHA256, r.config.SHA256
		return r.state.RecordBaseline(b)
	}
	return nil
}

// recordBaseline records that this node put the baseline there.
func (r *runner) recordBaseline(base baseline.Info, config string) {
	err := r.state.RecordBaseline(state.Baseline{
		SHA256: base.SHA256, Config: config, Since: r.Now(), Size: base.Size,
		Entries: base.Entries, Written: base.Written, Path: base.Path,
	})
	if err != nil { // it is done all the same
		r.note("%v.", err)
	}
}

// compareRecords says in the message if the baseline was taken with another configuration,
// or was not put there by this node.
func (r *runner) compareRecords(base baseline.Info) {
	recorded := r.state.Baseline(base.SHA256)
	if recorded.Config != "" && recorded.Config != r.config.SHA256 {
		r.tell(otherConfig(r.aide.Version))
	}
	last, ok := r.state.LastBaseline(base.Path)
	if !ok || !recorded.Since.IsZero() {
		return
	}
	r.tellFirst(fmt.Sprintf("the baseline, of %s with %d entries, is not the one that aide-node took or accepted on %s, with %d: AIDE's own job or somebody put it there. Find out who; then accept, or aide-node init --force",
		base.Created.UTC().Format(time.RFC3339), base.Entries, last.Since.UTC().Format(time.RFC3339), last.Entries))
}
