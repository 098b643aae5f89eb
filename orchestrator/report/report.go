// Package report is the answer of a sweep, as people and programs read it.
package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"aidefleet/node/result"
)

// Version is the value of "v" in the JSON of a report.
const Version = 1

// Report is the answer of one sweep: every targeted host, exactly once.
type Report struct {
	V        int       `json:"v"`
	Fleet    string    `json:"fleet"`
	Target   string    `json:"target,omitempty"` // the hosts that it was for, as text
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	Commands []Command `json:"commands"`
	Summary  Summary   `json:"summary"`
	Hosts    []Host    `json:"hosts"`
	// Left are hosts that the sweep before had, and this one has not.
	Left []Left `json:"left,omitempty"`
	// Errors are of accounts and regions that could not be swept as a whole.
	Errors []Error `json:"errors,omitempty"`
	// Groups are those of all hosts. WriteJSON makes them of the Hosts.
	Groups []GroupCohort `json:"cohorts,omitempty"`
}

// GroupCohort is a group of changes with the hosts that share it.
type GroupCohort struct {
	Group       string `json:"group"`       // its name
	Fingerprint string `json:"fingerprint"` // the first result.GroupDigits hex digits
	Changes     int    `json:"changes"`
	// Versions stands for the packages of the group packages, with their versions.
	Versions string   `json:"versions,omitempty"`
	Hosts    []string `json:"hosts"` // ids of the instances
}

// Left is a host that is not in the fleet any more.
type Left struct {
	Instance string `json:"instance"`
	Name     string `json:"name,omitempty"`
}

// Error is why an account and region could not be swept, or published.
type Error struct {
	Account string `json:"account,omitempty"`
	Role    string `json:"role,omitempty"` // ARN of the role to take there
	Region  string `json:"region"`
	Error   string `json:"error"`
}

// Command is a Run Command that was sent for the sweep.
type Command struct {
	ID      string `json:"id"`
	Region  string `json:"region"`
	Account string `json:"account,omitempty"`
}

// Summary counts hosts. Targeted = Clean + Changed + Failed + Missing, and
// Reported = Clean + Changed: hosts whose check was done.
type Summary struct {
	Targeted int `json:"targeted"`
	Reported int `json:"reported"`
	Clean    int `json:"clean"`
	Changed  int `json:"changed"`
	Failed   int `json:"failed"`
	Missing  int `json:"missing"`
	// Unread are the entries that AIDE could not look at, on all hosts.
	Unread int `json:"unread,omitempty"`
	// New are the changes that were not there in the check before, on all hosts.
	New int `json:"new,omitempty"`
	// Explained are the changes that package databases explain, on all hosts.
	Explained int `json:"explained,omitempty"`
	// Suspect are hosts whose baseline, configuration or program is not what it should be,
	// whatever their status.
	Suspect int `json:"suspect"`
	// Held are hosts whose drift or silence is expected for a while, whatever their status.
	Held int `json:"held,omitempty"`
}

// Status is what is known of a host.
type Status string

// A host that answered is Clean, Drift or Failed; Missing gave no answer.
const (
	Clean   Status = "clean"
	Drift   Status = "drift"
	Failed  Status = "failed"
	Missing Status = "missing"
)

// Absent is what a host was that the sweep before did not have.
const Absent Status = "absent"

// Host is one host's part of the answer. Only Clean and Drift carry Counts.
type Host struct {
	Instance string `json:"instance"`
	Name     string `json:"name,omitempty"`
	Region   string `json:"region"`
	Account  string `json:"account,omitempty"`
	Status   Status `json:"status"`

	*result.Counts
	// Unread is how many entries AIDE could not look at, and UnreadPath the first.
	Unread     int    `json:"unread,omitempty"`
	UnreadPath string `json:"unread_path,omitempty"`

	Fingerprint string `json:"fingerprint,omitempty"`
	// Groups are those of the changes that the result line had room for.
	Groups []result.Group `json:"groups,omitempty"`
	Paths  []string       `json:"paths,omitempty"` // a sample, see result.Line
	More   int            `json:"more,omitempty"`  // changes that are not in Paths

	Explained int `json:"explained,omitempty"` // changes that the host's package database explains

	Reason  Reason `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// MessageFrom is FromHost if the host itself says Message; else the orchestrator does.
	MessageFrom string `json:"message_from,omitempty"`
	Next        string `json:"next,omitempty"` // what to do about it

	New   int    `json:"new,omitempty"`   // changes that are not in the report Since
	Since string `json:"since,omitempty"` // id of the report before, of the same baseline

	AIDE       string           `json:"aide,omitempty"`
	AIDESHA256 string           `json:"aide_sha256,omitempty"` // first 32 hex digits
	Node       string           `json:"node,omitempty"`
	NodeSHA256 string           `json:"node_sha256,omitempty"` // first 32 hex digits
	Began      time.Time        `json:"began,omitzero"`        // of the check, by the host's clock
	Seconds    float64          `json:"seconds,omitempty"`     // duration of the check
	Report     string           `json:"report,omitempty"`      // id of the full report on the host
	Baseline   *result.Baseline `json:"baseline,omitempty"`
	// NextBaseline is the SHA-256 of the new database: the baseline once this state is accepted.
	NextBaseline string `json:"next_baseline,omitempty"`
	Config       string `json:"config,omitempty"`

	Suspect   []Finding `json:"suspect,omitempty"`
	FirstSeen bool      `json:"first_seen,omitempty"` // nothing was known of it before: what it says is trusted
	Held      *Held     `json:"held,omitempty"`

	// Was is the status in the sweep before, or Absent; empty if none is known.
	Was  Status `json:"was,omitempty"`
	Days Days   `json:"-"` // empty without a ledger
}

// FromHost marks what a host says of itself, and nobody has verified.
const FromHost = "host"

// Says is the message for people. What a host says is marked as such.
func (h Host) Says() string {
	if h.Message != "" && h.MessageFrom == FromHost {
		return HostSays(h.Message)
	}
	return h.Message
}

// HostSays marks a text as a host's own.
func HostSays(text string) string { return "host says: " + text }

// Held says that drift or silence of a host is expected for a while.
type Held struct {
	ID    string    `json:"id"`
	Who   string    `json:"who"` // ARN of who said so
	Why   string    `json:"why"`
	Until time.Time `json:"until"`
}

// by is who said so, without the account that its ARN begins with.
func (h Held) by() string { return h.Who[strings.LastIndexByte(h.Who, ':')+1:] }

// kinds are the findings of a suspect host.
func (h Host) kinds() string {
	kinds := make([]string, 0, len(h.Suspect))
	for _, f := range h.Suspect {
		kinds = append(kinds, string(f.Kind))
	}
	return strings.Join(kinds, " ")
}

// Label is what people call the host.
func (h Host) Label() string {
	if h.Name == "" {
		return h.Instance
	}
	return h.Name
}

// order is the order in which people want to read, after the suspects: changed, failed,
// silent, and then good hosts.
var order = map[Status]int{Drift: 0, Failed: 1, Missing: 2, Clean: 3}

// SetHosts makes these the hosts of the report, in reading order, and counts them.
func (r *Report) SetHosts(hosts []Host) {
	r.Hosts = hosts
	r.Count()
	r.Sort()
}

// Sort brings the hosts into reading order.
func (r *Report) Sort() {
	if !slices.IsSortedFunc(r.Hosts, byReading) {
		slices.SortStableFunc(r.Hosts, byReading)
	}
}

func byReading(a, b Host) int {
	return cmp.Or(cmp.Compare(min(len(b.Suspect), 1), min(len(a.Suspect), 1)), cmp.Compare(order[a.Status], order[b.Status]),
		cmp.Compare(a.Label(), b.Label()), cmp.Compare(a.Instance, b.Instance))
}

// Count makes the summary that of the hosts.
func (r *Report) Count() {
	r.Summary = Summary{Targeted: len(r.Hosts)}
	for _, h := range r.Hosts {
		r.Summary.Unread += h.Unread
		r.Summary.New += h.New
		r.Summary.Explained += h.Explained
		if len(h.Suspect) > 0 {
			r.Summary.Suspect++
		}
		if h.Held != nil {
			r.Summary.Held++
		}
		switch h.Status {
		case Clean:
			r.Summary.Clean++
			r.Summary.Reported++
		case Drift:
			r.Summary.Changed++
			r.Summary.Reported++
		case Failed:
			r.Summary.Failed++
		case Missing:
			r.Summary.Missing++
		}
	}
}

// Merge makes one report of those of several accounts and regions. No two of them have the
// same host.
func Merge(reports []Report) Report {
	merged := Report{V: Version, Commands: []Command{}}
	hosts := 0
	for _, r := range reports {
		hosts += len(r.Hosts)
	}
	for _, r := range reports {
		merged.Fleet, merged.Target = cmp.Or(merged.Fleet, r.Fleet), cmp.Or(merged.Target, r.Target)
		merged.Commands = append(merged.Commands, r.Commands...)
		merged.Errors = append(merged.Errors, r.Errors...)
		merged.Left = append(merged.Left, r.Left...)
		if merged.Hosts == nil && len(r.Hosts) == hosts {
			merged.Hosts = r.Hosts // those are all
		} else {
			merged.Hosts = append(slices.Grow(merged.Hosts, hosts-len(merged.Hosts)), r.Hosts...)
		}
	}
	for _, r := range reports {
		// If no command was sent, the time of its report is not the sweep's.
		if r.Started.IsZero() || len(merged.Commands) > 0 && len(r.Commands) == 0 {
			continue
		}
		if merged.Started.IsZero() || r.Started.Before(merged.Started) {
			merged.Started = r.Started
		}
		if r.Finished.After(merged.Finished) {
			merged.Finished = r.Finished
		}
	}
	merged.Count()
	merged.Sort()
	return merged
}
