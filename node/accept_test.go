package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

const otherPrint = "0123456789abcdef0123456789abcdef"

// drifted is a host with a baseline and a check that found a change.
func drifted(t *testing.T, a ...aidetest.AIDE) (h host, fingerprint string) {
	t.Helper()
	h = newHost(t, a...)
	h.run("init")
	return h, h.drift("one\n")
}

// drift changes a file and checks.
func (h host) drift(text string) (fingerprint string) {
	h.t.Helper()
	h.write("tree/a", text)
	l, _ := h.run("check")
	if l.Status != result.Drift || l.Fingerprint == "" {
		h.t.Fatalf("check after a change: %+v", l)
	}
	return l.Fingerprint
}

func (h host) remove(name string) {
	h.t.Helper()
	if err := os.Remove(filepath.Join(h.dir, name)); err != nil {
		h.t.Fatal(err)
	}
}

func (h host) read(name string) string {
	h.t.Helper()
	b, err := os.ReadFile(filepath.Join(h.dir, name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

// databases lists the names in the baseline's folder, but not the baseline's.
func (h host) databases() (names []string) {
	h.t.Helper()
	files, err := os.ReadDir(filepath.Join(h.dir, "db"))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range files {
		if f.Name() != "aide.db" {
			names = append(names, f.Name())
		}
	}
	return names
}

// TestAccept goes through the life of a baseline with the real AIDE.
func TestAccept(t *testing.T) { aidetest.Each(t, testAccept) }

func testAccept(t *testing.T, a aidetest.AIDE) {
	h, fingerprint := drifted(t, a)
	before := h.read("db/aide.db")

	l, text := h.run("accept", "--fingerprint", fingerprint)
	if l.Status != result.Clean || l.Counts == nil || *l.Counts != (result.Counts{Total: 5}) || l.Config == "" || l.AIDE == "" {
		t.Fatalf("accept: %+v", l)
	}
	accepted := l.Baseline.SHA256
	backups := h.databases()
	if len(backups) != 1 || h.read("db/"+backups[0]) != before || !strings.Contains(text, backups[0]) || !strings.Contains(text, "--undo") {
		t.Errorf("backups %q\n%s", backups, text)
	}
	if _, err := os.Stat(filepath.Join(h.state, "run", "new.db")); !os.IsNotExist(err) {
		t.Errorf("the new database is still there: %v", err)
	}

	l, _ = h.run("accept", "--fingerprint", fingerprint)
	if l.Reason != result.Refused || !strings.Contains(l.Message, "already accepted on 20") {
		t.Errorf("accept twice: %+v", l)
	}
	if l, _ = h.run("check"); l.Status != result.Clean || l.Baseline.SHA256 != accepted {
		t.Errorf("check after accept: %+v", l)
	}

	l, text = h.run("accept", "--undo")
	if l.Status != result.Clean || l.Total != 5 || h.read("db/aide.db") != before || !strings.Contains(text, "aide-node-undone") {
		t.Errorf("undo: %+v\n%s", l, text)
	}
	if l, _ = h.run("check"); l.Fingerprint != fingerprint {
		t.Errorf("check after undo: %+v, want the fingerprint %s", l, fingerprint)
	}
	if l, _ = h.run("accept", "--fingerprint", fingerprint); l.Status != result.Clean {
		t.Errorf("accept after undo: %+v", l)
	}
	h.run("accept", "--undo")
	l, _ = h.run("accept", "--undo")
	if l.Reason != result.Refused || !strings.Contains(l.Message, "nothing to go back to") || h.read("db/aide.db") != before {
		t.Errorf("one undo too many: %+v", l)
	}
}

// TestAcceptRefuses has one row for each way in which what was reviewed is not
// what would become the baseline. The baseline stays as it is.
func TestAcceptRefuses(t *testing.T) { aidetest.Each(t, testAcceptRefuses) }

func testAcceptRefuses(t *testing.T, a aidetest.AIDE) {
	cases := map[string]struct {
		do      func(h host) // behind a check with drift
		print   string       // empty for the check's
		want    result.Reason
		message string
	}{
		"another fingerprint": {func(host) {}, otherPrint, result.Refused, "has the fingerprint"},
		"no check":            {func(h host) { h.remove("state/last.json") }, "", result.Refused, "check first"},
		"a later check is clean": {func(h host) { h.write("tree/a", "a\n"); h.run("check") },
			"", result.Refused, "nothing to accept"},
		"a later check has another": {func(h host) { h.drift("two\n") }, "", result.Refused, "has the fingerprint"},
		"a later check failed": {func(h host) {
			h.run("check", "--aide", h.fake("exit 18"))
		}, "", result.Refused, "is gone"},
		"a later check was killed": {func(h host) {
			h.run("check", "--aide", h.fake(`: >"`+h.state+`/run/new.db"; kill -9 $$`))
		}, "", result.Refused, "empty"},
		"names not told": {func(h host) {
			h.write("state/last.json", strings.Replace(h.read("state/last.json"), `"fingerprint"`, `"none"`, 1))
		}, "", result.Refused, "has no fingerprint"},
		"garbage for a last check": {func(h host) { h.write("state/last.json", "{}\n") }, "", result.StateUnwritable, "last.json"},
		"another configuration":    {func(h host) { appendTo(h, "# a remark\n") }, "", result.Refused, "configuration was changed"},
		"another new database": {func(h host) { h.write("state/run/new.db", h.read("db/aide.db")) },
			"", result.Refused, "another database"},
		"a cut new database": {func(h host) { _ = os.Truncate(h.state+"/run/new.db", 150) }, "", result.Refused, "cut short"},
		"another baseline": {func(h host) {
			h.write("db/aide.db", "@@begin_db\n@@db_spec name\n/x\n@@end_db\n")
		}, "", result.BaselineInvalid, "the baseline was changed"},
		"a garbage baseline": {func(h host) { h.write("db/aide.db", "garbage\n") }, "", result.BaselineInvalid, "@@begin_db"},
		"no baseline":        {func(h host) { h.remove("db/aide.db") }, "", result.BaselineRemoved, "aide.db any more"},
		"a new baseline by force": {func(h host) { h.write("tree/b", "x\n"); h.run("init", "--force") },
			"", result.BaselineInvalid, "the baseline was changed"},
		"an acceptance not noted": {func(h host) {
			last, fresh := h.read("state/last.json"), h.read("state/run/new.db")
			_, rest, _ := strings.Cut(last, `"fingerprint": "`)
			h.run("accept", "--fingerprint", rest[:32])
			h.write("state/last.json", last)
			h.write("state/run/new.db", fresh)
		}, "", result.Refused, "already accepted, on 20"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h, fingerprint := drifted(t, a)
			c.do(h)
			if c.print != "" {
				fingerprint = c.print
			}
			before, _ := os.ReadFile(filepath.Join(h.dir, "db", "aide.db"))
			backups := h.databases()
			l, text := h.run("accept", "--fingerprint", fingerprint)
			if l.Reason != c.want || !strings.Contains(l.Message, c.message) {
				t.Errorf("%+v, want %s with %q\n%s", l, c.want, c.message, text)
			}
			after, _ := os.ReadFile(filepath.Join(h.dir, "db", "aide.db"))
			if !bytes.Equal(before, after) || !slices.Equal(h.databases(), backups) {
				t.Errorf("the baseline was touched; beside it: %q", h.databases())
			}
		})
	}
}

func TestAcceptBusy(t *testing.T) { aidetest.Each(t, testAcceptBusy) }

func testAcceptBusy(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	start(t, h)
	for _, options := range [][]string{{"--fingerprint", otherPrint}, {"--undo"}} {
		if l, _ := h.run("accept", options...); l.Reason != result.Busy {
			t.Errorf("%q beside a check: %+v", options, l)
		}
	}
}

func TestAcceptArguments(t *testing.T) {
	for _, c := range []struct {
		args string // of the command line
		want string // in the message
	}{
		{"accept", "--fingerprint is missing"},
		{"accept --undo --fingerprint " + otherPrint, "exclude"},
		{"accept --fingerprint 01234567", "has 8 digits: want all 32"},
		{"accept --fingerprint " + otherPrint + "0", "has 33 digits"},
		{"accept --fingerprint " + strings.ToUpper(otherPrint), "lower-case hex"},
		{"accept --fingerprint ../../etc/passwd", "lower-case hex"},
		{"accept --undo --backups 0", "want 1 to 1000"},
		{"accept --undo --state here", "absolute"},
		{"init --force --backups many", "want 1 to 1000"},
	} {
		var stdout, stderr bytes.Buffer
		exit := run(context.Background(), strings.Fields(c.args), &stdout, &stderr)
		l, err := result.Parse(stdout.Bytes())
		if err != nil || exit != 1 || l.Reason != result.BadArguments || !strings.Contains(l.Message, c.want) {
			t.Errorf("%s: exit %d, %+v, %v, want %q", c.args, exit, l, err, c.want)
		}
	}
}

func TestBackups(t *testing.T) { aidetest.Each(t, testBackups) }

func testBackups(t *testing.T, a aidetest.AIDE) {
	h, fingerprint := drifted(t, a)
	for _, text := range []string{"2\n", "3\n", "4\n"} {
		if l, _ := h.run("accept", "--fingerprint", fingerprint, "--backups", "2"); l.Status != result.Clean {
			t.Fatalf("accept: %+v", l)
		}
		fingerprint = h.drift(text)
	}
	if got := h.databases(); len(got) != 2 {
		t.Errorf("three acceptances with --backups 2 leave %q", got)
	}
}

func TestInitForce(t *testing.T) { aidetest.Each(t, testInitForce) }

func testInitForce(t *testing.T, a aidetest.AIDE) {
	h, _ := drifted(t, a)
	before := h.read("db/aide.db")
	l, text := h.run("init", "--force")
	backups := h.databases()
	if l.Status != result.Clean || l.Total != 5 || len(backups) != 1 || h.read("db/"+backups[0]) != before || !strings.Contains(text, backups[0]) {
		t.Fatalf("over a baseline: %+v\n%s", l, text)
	}
	if l, _ := h.run("check"); l.Status != result.Clean {
		t.Errorf("check after it: %+v", l)
	}
	if h.run("accept", "--undo"); h.read("db/aide.db") != before {
		t.Error("an undo does not go back to the baseline before")
	}

	h.write("db/aide.db", "garbage\n")
	l, _ = h.run("init")
	if l.Reason != result.BaselineInvalid || !strings.Contains(l.Message, "--force") || h.read("db/aide.db") != "garbage\n" {
		t.Errorf("over garbage without --force: %+v", l)
	}
	if l, _ = h.run("init", "--force"); l.Status != result.Clean {
		t.Errorf("over garbage: %+v", l)
	}
	if !slices.ContainsFunc(h.databases(), func(name string) bool { return h.read("db/"+name) == "garbage\n" }) {
		t.Errorf("the garbage is lost: %q", h.databases())
	}
	l, _ = h.run("accept", "--undo")
	if l.Reason != result.BaselineInvalid || !strings.Contains(l.Message, "aide.db.aide-node-20") {
		t.Errorf("undo to garbage: %+v", l)
	}

	fresh := newHost(t, a)
	if l, _ := fresh.run("init", "--force"); l.Status != result.Clean || len(fresh.databases()) != 0 {
		t.Errorf("without a baseline: %+v, %q", l, fresh.databases())
	}
}
