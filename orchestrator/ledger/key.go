package ledger

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

const (
	timeLayout = "20060102T150405Z"
	dateLayout = "2006-01-02"
)

// Run names a sweep or an action of one account and region.
type Run struct {
	Account, Region string
	ID              string // the run's in the command history, or the command's if no run of ours sent it
	Started         time.Time
}

// name is the last part of a key, without its ending.
func (r Run) name() string {
	return r.Started.UTC().Format(timeLayout) + "-" + escape(r.Account) + "-" + escape(r.Region) + "-" + escape(r.ID)
}

func (r Run) date() string { return "date=" + r.Started.UTC().Format(dateLayout) }

// sweepKey and hostsKey are those of a fleet's sweep.
func sweepKey(fleet string, r Run) string {
	return "sweeps/fleet=" + escape(fleet) + "/" + r.date() + "/" + r.name() + ".json.gz"
}

func hostsKey(fleet string, r Run) string {
	return "hosts/fleet=" + escape(fleet) + "/" + r.date() + "/" + r.name() + ".jsonl.gz"
}

func indexKey(fleet string) string { return "sweeps/fleet=" + escape(fleet) + "/index.html" }

func actionKey(r Run) string { return "actions/" + r.date() + "/" + r.name() + ".json" }

func pinsKey(account, region string) string {
	return "pins/account=" + escape(account) + "/region=" + escape(region) + ".json.gz"
}

func toldKey(account, region string) string {
	return "told/account=" + escape(account) + "/region=" + escape(region) + ".json.gz"
}

func holdKey(id string) string { return "holds/" + escape(id) + ".json" }

// escape writes all but letters, digits, _ and - as % and two hex digits. What it returns
// is one part of a path, whatever the text is.
func escape(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// SweepID says which sweep a key is of.
type SweepID struct {
	Fleet string
	Time  time.Time
	Name  string // TIME-RUN, the same in sweeps and hosts
	// What the name has after the time; empty in one that no sweep of ours has.
	Account, Region, Run string
	Key                  string
	HasPage              bool // Sweeps tells
}

// Page is where the page of a sweep is, as a URL that is relative to the page of its fleet.
func (s SweepID) Page() string {
	return "date=" + s.Time.UTC().Format(dateLayout) + "/" + url.PathEscape(s.Name) + ".html"
}

// namePattern has account, region and run of the name of a sweep (Run.name).
var namePattern = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z-([0-9A-Za-z%_]+)-((?:[a-z]+-)+[0-9]+)-(.+)$`)

// parseKey reads the key of a sweep. It is false for another one.
func parseKey(key string) (SweepID, bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 4 {
		return SweepID{}, false
	}
	name, isReport := strings.CutSuffix(parts[3], ".json.gz")
	at, _, _ := strings.Cut(name, "-")
	started, err := time.Parse(timeLayout, at)
	escaped, isFleet := strings.CutPrefix(parts[1], "fleet=")
	fleet, ferr := url.PathUnescape(escaped)
	if err != nil || ferr != nil || !isReport || !isFleet || parts[2] != (Run{Started: started}).date() {
		return SweepID{}, false
	}
	id := SweepID{Fleet: fleet, Time: started, Name: name, Key: key}
	if m := namePattern.FindStringSubmatch(name); m != nil {
		id.Account, id.Region, id.Run = m[1], m[2], m[3]
	}
	return id, true
}

// dates are the days from one time to another, as prefixes are.
func dates(from, to time.Time) (list []string) {
	for day := from.UTC().Truncate(24 * time.Hour); !day.After(to.UTC()); day = day.AddDate(0, 0, 1) {
		list = append(list, "date="+day.Format(dateLayout))
	}
	return list
}
