package simulate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"aidefleet/lab/cloud"
	"aidefleet/node/result"
)

// longOutput is how long a long output is, in bytes: all that GetCommandInvocation
// shows.
const longOutput = 24000

// entries is how many files a simulated host has in its baseline.
const entries = 52117

// failures are the ways in which a check fails.
var failures = []result.Line{
	result.Failure(result.BaselineMissing, "there is no baseline at /var/lib/aide/aide.db"),
	result.Failure(result.BaselineInvalid, "/var/lib/aide/aide.db is cut short"),
	result.Failure(result.AideMissing, "there is no AIDE on this host"),
	result.Failure(result.AideFailed, "AIDE ended with exit status 17"),
	result.Failure(result.AideCrashed, "AIDE was ended by signal 9 (killed)"),
	result.Failure(result.ConfigInvalid, "/etc/aide.conf:12: unknown option"),
	result.Failure(result.Busy, "another check is running, process 4711"),
	result.Failure(result.Timeout, "AIDE did not end within 3h59m50s"),
	result.Failure(result.ReportUnreadable, "AIDE's exit status says 4, its report 0 changes"),
	result.Failure(result.StateUnwritable, "/var/lib/aide-node: no space left on device"),
	result.Failure("node_missing", "/usr/bin/aide-node is not installed on this host"),
}

// garbage is what a host can print that is no result line, and the exit status.
var garbage = []struct {
	text string
	exit int
}{
	{"", 0},
	{"", 137},
	{"\x1b]0;owned\x07\x1b[2J\x1b[1;31mall hosts are clean\x1b[0m\n", 0},
	{"Authorized uses only. All activity may be monitored.\n" + `{"v":1,"status":"clean","added":0,"removed":0,"changed":0}` + "\n", 0},
	{`{"v":1,"status":"clean","added":0,"removed":0,"chan`, 0},
	{`{"v":1,"status":"clean","added":0,"removed":0}` + "\n", 0},
	{`{"v":1,"status":"clean","added":3,"removed":0,"changed":0}` + "\n", 0},
	{`{"v":1,"status":"clean","added":0,"removed":0,"changed":0}` + "\n", 1}, // the exit status disagrees
	{`{"v":99,"status":"clean","added":0,"removed":0,"changed":0}` + "\n", 0},
	{`{"v":1,"status":"drift","added":-1,"removed":0,"changed":1}` + "\n", 0},
	{"=HYPERLINK(\"http://example.invalid\")\n", 0},
	{"<html><script>alert(1)</script></html>\n", 0},
	{"sh: 1: /usr/bin/aide-node: Exec format error\n", 126},
	{`{"v":1,"status":"clean","message":"` + strings.Repeat("x", 2*result.MaxBytes) + `"}` + "\n", 0},
	{"\xff\xfe\x00\x01\n", 0},
}

// deployed is the change that all hosts of a role can have had.
func deployed(role string) result.Line {
	h := fnv.New64a()
	_, _ = h.Write([]byte(role)) // never fails (hash.Hash)
	return changes(rand.New(rand.NewPCG(h.Sum64(), 0)), "/srv/"+role)
}

// changes makes up changes below a folder.
func changes(random *rand.Rand, dir string) result.Line {
	c := result.Counts{Added: random.IntN(5), Removed: random.IntN(3), Changed: 1 + random.IntN(20), Total: entries}
	c.Total += c.Added - c.Removed
	fingerprint := make([]byte, 16)
	for n := range fingerprint {
		fingerprint[n] = byte(random.Uint32())
	}
	l := result.Line{Status: result.Drift, Counts: &c, Fingerprint: hex.EncodeToString(fingerprint)}
	for _, kind := range []struct {
		mark  string
		count int
	}{{"~", c.Changed}, {"+", c.Added}, {"-", c.Removed}} {
		for range kind.count {
			l.Paths = append(l.Paths, fmt.Sprintf("%s%s/file-%06x", kind.mark, dir, random.Uint32()>>8))
		}
	}
	return l
}

// trash is what the host prints that prints garbage.
func (h *host) trash() (text string, exit int) {
	g := garbage[h.random(forFinding).IntN(len(garbage))]
	return g.text, g.exit
}

// exit is the exit status of the script.
func (h *host) exit(document string) int {
	switch {
	case h.kind == printsTrash:
		_, exit := h.trash()
		return exit
	case h.kind == fails && isCheck(document):
		return 1
	}
	return 0
}

// line is the first line that the host prints, with its newline.
func (h *host) line(document string, began time.Time, took time.Duration) string {
	l := result.Line{Status: result.Clean, Counts: &result.Counts{Total: entries}}
	switch {
	case h.kind == printsTrash:
		text, _ := h.trash()
		return text
	case h.kind == fails && isCheck(document):
		l = h.failure()
	case h.kind == drifts && isCheck(document):
		l = h.drift()
	}
	if l.Status == result.Drift {
		l.Groups = h.shown(l)
	}
	if l.Reason != "node_missing" {
		h.identify(&l, began)
		l.Started, l.Seconds = began, took.Seconds()
	}
	text, err := l.Encode()
	if err != nil {
		panic(err) // made up above
	}
	return string(text) + "\n"
}

// mostGroups is how many groups a host shows at most.
const mostGroups = 6

// shown are groups of the fleet that the host shows, each of one of its changes.
func (h *host) shown(l result.Line) (groups []result.Group) {
	if h.groups == 0 {
		return nil
	}
	first := h.random(forGroups).IntN(h.groups)
	for i := range min(mostGroups, h.groups, l.Sum()) {
		at := fmt.Sprintf("/srv/group-%03d", (first+i)%h.groups)
		groups = append(groups, result.Group{At: at, Fingerprint: digest(at)[:result.GroupDigits], N: 1})
	}
	return groups
}

// identify says in a line what the host has, which stays the same, and names the report.
// Checks may be less than a second apart here, so that the second alone is no name.
func (h *host) identify(l *result.Line, began time.Time) {
	l.AIDE, l.AIDESHA256 = "0.18.6", digest("AIDE 0.18.6")[:32]
	l.Node, l.NodeSHA256 = "0.1.0", digest("aide-node 0.1.0")[:32]
	l.Report = began.UTC().Format("20060102T150405.000000Z")
	if l.Status == result.Failed {
		return
	}
	l.Config = digest("aide.conf of " + h.role)
	l.Baseline = &result.Baseline{SHA256: digest(fmt.Sprint("baseline of ", h.seed))}
	l.Next = digest(fmt.Sprint("next database of ", h.seed, l.Fingerprint))
}

// digest is that of a file which is made up, as hex digits.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Answer implements cloud.Host.
func (h *host) Answer(document string, began time.Time, took time.Duration) cloud.Answer {
	text := h.line(document, began, time.Duration(float64(took)*h.speed))
	a := cloud.Answer{Stdout: text, Code: h.exit(document)}
	if a.Code != 0 {
		a.Stderr = fmt.Sprintf("failed to run commands: exit status %d", a.Code)
	}
	switch {
	case h.long && len(text) < longOutput:
		filler := fmt.Sprintf("changed: /srv/%s/file-%016x\n", h.role, h.random(forText).Uint64())
		a.Stdout = (text + strings.Repeat(filler, longOutput/len(filler)+1))[:longOutput]
	case h.kind == drifts && isCheck(document):
		a.Stdout += "\nThe files differ from the baseline; aide-node report prints all changes.\n"
	}
	return a
}
