package check

import (
	"fmt"
	"strconv"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
)

// tellPassedOver says in the message if AIDE passed over entries of the baseline: they are
// neither on disk nor removed. Up to 0.18 AIDE passes over entries that no rule selects any
// more (populate_tree in its gen_list.c), from 0.19 on it calls them removed. Entries whose
// removal the rules ignore (ARF) do not count.
func (r *runner) tellPassedOver(base baseline.Info, s aide.Summary) error {
	n := base.Entries + s.Added - s.Removed - s.Total
	if n <= 0 {
		return nil
	}
	_, err := baseline.Inspect(r.config.Database, func(e aide.Entry) error {
		if ignoresRemoval(e) {
			n--
		}
		return nil
	})
	if err != nil || n <= 0 {
		return err
	}
	if r.answer.Message == otherConfig(r.aide.Version) {
		r.answer.Message = "AIDE's configuration was changed since the baseline was taken: review it; then accept, or aide-node init --force"
	}
	r.tellFirst(fmt.Sprintf("no rule selects %s of the baseline any more: not compared", entries(n)))
	return nil
}

// ignoresRemoval says whether an entry has the attribute ARF. Its number is the same in
// 0.16 to 0.19 (attributes.h).
func ignoresRemoval(e aide.Entry) (ignores bool) {
	const arf = 1 << 29
	e.Attributes(func(column string, value []byte) {
		if column == "attr" {
			bits, err := strconv.ParseUint(string(value), 10, 64)
			ignores = err == nil && bits&arf != 0
		}
	})
	return ignores
}
