package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/report"
)

// Bounds of what is listed: a page is for eyes. The list of the hosts has all.
const (
	mostBlocks = 200 // suspects, reasons, groups, actions
	mostNamed  = 40  // hosts in one of them
	mostSaid   = 5   // different messages with one reason
)

// view is the page as the template has it: text is escaped for the eye, numbers are for
// people.
type view struct {
	Title   string
	About   string // which sweep, or which time
	Note    string
	Sums    []sum
	Swept   bool // there is a report: its sections are there even if they are empty
	Errors  []string
	Suspect []suspectHost
	Broken  []broken
	Groups  []group
	Unique  []string
	Untold  string
	New     []change
	Hosts   *hostsView
	Chart   *chart
	Sweeps  []sweepRow
	Pages   []Link
	Actions []actionRow
	Holds   []holdRow
	Tables  []evidence.Table
	More    map[string]string // by section, what is left out
}

// sum is a number at the top of the page.
type sum struct{ Number, Name, Class string }

type suspectHost struct {
	Host     string
	Findings []finding
	Paths    []string
	Show     string
	Trust    string
}

type finding struct{ Kind, Message, Since string }

// group is a group of changes with the hosts that share it.
type group struct {
	Name, Fingerprint, Changes, Count string
	Hosts                             named
	Alone                             bool
	Paths                             []string
	Next                              string
}

// named are hosts, and how many more there are.
type named struct {
	Names []string
	More  string
}

// change is what is different since the sweep before.
type change struct {
	What, Class string
	Hosts       named
	Count       string
}

type sweepRow struct {
	evidence.Sweep
	Started string
}

type actionRow struct{ When, Kind, Hosts, Target, Who, Why string }

type holdRow struct{ ID, Hosts, From, To, Who, Why string }

// namedOf are n hosts, of which label gives the name.
func namedOf(n int, label func(i int) string) (out named) {
	for i := range min(n, mostNamed) {
		out.Names = append(out.Names, report.Escape(label(i)))
	}
	if more := n - mostNamed; more > 0 {
		out.More = fmt.Sprintf("and %s more", report.Number(more))
	}
	return out
}

// namedHosts are hosts by what people call them.
func namedHosts(hosts []*report.Host) named {
	return namedOf(len(hosts), func(i int) string { return hosts[i].Label() })
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func hostsText(n int) string { return counted(n, "host") }

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return report.Number(n) + " " + noun + "s"
}

// view makes the page's sections.
func (p Page) view() view {
	v := view{Title: report.Escape(p.Title), Note: report.Escape(p.Note), Tables: p.tables(), More: map[string]string{}}
	if r := p.Report; r != nil {
		v.Swept = true
		v.About = "Sweep of " + stamp(r.Started) + ", " + hostsText(r.Summary.Targeted)
		v.Sums = sums(r.Summary)
		for _, e := range r.Errors {
			v.Errors = append(v.Errors, report.Escape(strings.TrimSpace(e.Account+" "+e.Region+": "+e.Error)))
		}
		v.Suspect = suspects(r)
		v.Broken = brokenHosts(r)
		v.Groups, v.Unique, v.Untold = p.groups(r)
		v.New = changes(r)
	}
	if hosts := p.hosts(); hosts != nil {
		last := p.Last
		if last.IsZero() && p.Report != nil {
			last = p.Report.Started
		}
		v.Hosts, v.Chart = viewOf(hosts, last), chartOf(hosts, last)
	}
	v.Pages = p.Pages
	v.Sweeps, v.Actions, v.Holds = sweepRows(p.Sweeps), actionRows(p.Actions), holdRows(p.Holds)
	v.bound()
	return v
}

// bound leaves out what nobody reads, and says how much that is.
func (v *view) bound() {
	v.Suspect = first(v, "suspect", v.Suspect)
	v.Broken = first(v, "broken", v.Broken)
	v.Groups = first(v, "groups", v.Groups)
	v.Unique = first(v, "unique", v.Unique)
	v.Actions = first(v, "actions", v.Actions)
	v.Sweeps = first(v, "sweeps", v.Sweeps)
	v.Holds = first(v, "holds", v.Holds)
	v.Pages = first(v, "pages", v.Pages)
}

func first[T any](v *view, section string, list []T) []T {
	return bounded(v, section, list, mostBlocks)
}

func bounded[T any](v *view, section string, list []T, most int) []T {
	if more := len(list) - most; more > 0 {
		v.More[section] = fmt.Sprintf("And %s more.", report.Number(more))
		return list[:most]
	}
	return list
}

func sums(s report.Summary) []sum {
	list := []sum{
		{report.Number(s.Suspect), "suspect", "suspect"}, {report.Number(s.Changed), "changed", "drift"},
		{report.Number(s.Failed), "failed", "failed"}, {report.Number(s.Missing), "missing", "missing"},
		{report.Number(s.Clean), "clean", "clean"},
	}
	for _, more := range []struct {
		n           int
		name, class string
	}{{s.Held, "held", "held"}, {s.New, "new changes", ""}, {s.Explained, "explained changes", ""}, {s.Unread, "entries unread", ""}} {
		if more.n > 0 {
			list = append(list, sum{report.Number(more.n), more.name, more.class})
		}
	}
	return list
}

func suspects(r *report.Report) (list []suspectHost) {
	for i := range r.Hosts {
		h := &r.Hosts[i]
		if len(h.Suspect) == 0 {
			continue
		}
		s := suspectHost{
			Host:  strings.TrimSpace(report.Escape(h.Name) + " " + report.Escape(h.Instance)),
			Show:  "orchestrator show " + report.Escape(h.Instance),
			Trust: "orchestrator trust --instance " + report.Escape(h.Instance) + " --why TEXT",
		}
		for _, f := range h.Suspect {
			s.Findings = append(s.Findings, finding{report.Escape(string(f.Kind)), report.Escape(f.Message), stamp(f.Since)})
		}
		for _, path := range h.Paths {
			s.Paths = append(s.Paths, report.Escape(path))
		}
		list = append(list, s)
	}
	return list
}

// groups are the changes by group, as the table has them: what one host alone has is last
// there, and first here.
func (p Page) groups(r *report.Report) (list []group, unique []string, untold string) {
	shared, paths, rest := report.Changes(r.Hosts)
	slices.SortStableFunc(shared, func(a, b report.SharedGroup) int {
		return cmp.Compare(min(len(a.Hosts), 2), min(len(b.Hosts), 2))
	})
	for _, s := range shared {
		g := group{
			Name: report.Escape(s.At), Fingerprint: report.Escape(s.Fingerprint), Changes: counted(s.N, "change"), Count: hostsText(len(s.Hosts)),
			Hosts: namedHosts(s.Hosts), Alone: len(s.Hosts) == 1,
		}
		for _, path := range s.Hosts[0].PathsIn(s.Group) {
			g.Paths = append(g.Paths, report.Escape(path))
		}
		if p.Accept != "" {
			g.Next = report.NextFor(s, p.Accept)
		}
		list = append(list, g)
	}
	for _, u := range paths {
		unique = append(unique, report.Escape(u.Path)+", "+hostsText(u.Hosts))
	}
	if rest > 0 {
		untold = report.Number(rest)
	}
	return list, unique, untold
}
