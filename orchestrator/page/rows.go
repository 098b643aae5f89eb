package page

import (
	"slices"
	"strconv"

	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/report"
)

// sweepRows are sweeps, the newest first.
func sweepRows(sweeps []evidence.Sweep) (rows []sweepRow) {
	for _, s := range slices.Backward(sweeps) {
		s.Fleet = report.Escape(s.Fleet)
		rows = append(rows, sweepRow{s, stamp(s.Started)})
	}
	return rows
}

// actionRows are actions, the newest first.
func actionRows(actions []evidence.Action) (rows []actionRow) {
	for _, a := range slices.Backward(actions) {
		rows = append(rows, actionRow{
			stamp(a.When), report.Escape(string(a.Kind)), strconv.Itoa(a.Hosts), report.Escape(a.Target), report.Escape(a.Who), report.Escape(a.Why),
		})
	}
	return rows
}

func holdRows(holds []evidence.Hold) (rows []holdRow) {
	for _, h := range holds {
		rows = append(rows, holdRow{report.Escape(h.ID), report.Escape(h.Hosts), stamp(h.From), stamp(h.To), report.Escape(h.Who), report.Escape(h.Why)})
	}
	return rows
}

// tables are those of the page, escaped for the eye.
func (p Page) tables() (list []evidence.Table) {
	for _, t := range p.Tables {
		rows := make([][]string, 0, len(t.Rows))
		for _, row := range t.Rows {
			cells := make([]string, 0, len(row))
			for _, c := range row {
				cells = append(cells, report.Escape(c))
			}
			rows = append(rows, cells)
		}
		list = append(list, evidence.Table{Name: report.Escape(t.Name), Header: t.Header, Rows: rows})
	}
	return list
}
