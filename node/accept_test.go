package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	require.Equal(h.t, result.Drift, l.Status, "check after a change: %+v", l)
	require.NotEmpty(h.t, l.Fingerprint, "check after a change")
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

// TestAccept takes what was reviewed for the baseline, once.
func TestAccept(t *testing.T) { aidetest.Each(t, testAccept) }

func testAccept(t *testing.T, a aidetest.AIDE) {
	h, fingerprint := drifted(t, a)
	before := h.read("db/aide.db")

	l, text := h.run("accept", "--fingerprint", fingerprint)
	require.Equal(t, result.Clean, l.Status, "accept: %+v", l)
	require.NotNil(t, l.Counts, "accept")
	require.Equal(t, result.Counts{Total: 5}, *l.Counts, "accept")
	require.NotEmpty(t, l.Config, "accept")
	require.NotEmpty(t, l.AIDE, "accept")
	accepted := l.Baseline.SHA256
	backups := h.databases()
	require.Len(t, backups, 1, text)
	assert.Equal(t, before, h.read("db/"+backups[0]), "the backup")
	assert.Contains(t, text, backups[0])
	assert.Contains(t, text, "--undo")
	if _, err := os.Stat(filepath.Join(h.state, "run", "new.db")); !os.IsNotExist(err) {
		t.Errorf("the new database is still there: %v", err)
	}

	l, _ = h.run("accept", "--fingerprint", fingerprint)
	assert.Equal(t, result.Clean, l.Status, "accept twice: %+v", l)
	assert.Equal(t, accepted, l.Baseline.SHA256, "accept twice")
	assert.Empty(t, l.Baseline.Was, "accept twice")
	assert.Contains(t, l.Message, "accepted already, on 20", "accept twice")
	l, _ = h.run("check")
	assert.Equal(t, result.Clean, l.Status, "check after accept: %+v", l)
	assert.Equal(t, accepted, l.Baseline.SHA256, "check after accept")
}

// TestUndo goes back to the baseline before, once.
func TestUndo(t *testing.T) { aidetest.Each(t, testUndo) }

func testUndo(t *testing.T, a aidetest.AIDE) {
	h, fingerprint := drifted(t, a)
	before := h.read("db/aide.db")
	h.run("accept", "--fingerprint", fingerprint)

	l, text := h.run("accept", "--undo")
	require.Equal(t, result.Clean, l.Status, "undo: %+v\n%s", l, text)
	assert.Equal(t, 5, l.Total, "undo")
	assert.Equal(t, before, h.read("db/aide.db"), "undo")
	assert.Contains(t, text, "aide-node-undone", "undo")
	if l, _ = h.run("check"); l.Fingerprint != fingerprint {
		t.Errorf("check after undo: %+v, want the fingerprint %s", l, fingerprint)
	}
	if l, _ = h.run("accept", "--fingerprint", fingerprint); l.Status != result.Clean {
		t.Errorf("accept after undo: %+v", l)
	}
	h.run("accept", "--undo")
	l, _ = h.run("accept", "--undo")
	assert.Equal(t, result.Refused, l.Reason, "one undo too many: %+v", l)
	assert.Contains(t, l.Message, "nothing to go back to", "one undo too many")
	assert.Equal(t, before, h.read("db/aide.db"), "one undo too many")
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
		"a new baseline by force": {func(h host) { h.write("tree/b", "x\n"); h.run("init", "--force", "--yes") },
			"", result.BaselineInvalid, "the baseline was changed"},
		"an acceptance not noted": {func(h host) {
			last, fresh := h.read("state/last.json"), h.read("state/run/new.db")
			_, rest, _ := strings.Cut(last, `"fingerprint": "`)
			h.run("accept", "--fingerprint", rest[:32])
			h.write("state/last.json", last)
			h.write("state/run/new.db", fresh)
		}, "", "", "accepted already, on 20"},
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
			assert.Equal(t, c.want, l.Reason, "%+v\n%s", l, text)
			assert.Contains(t, l.Message, c.message)
			after, _ := os.ReadFile(filepath.Join(h.dir, "db", "aide.db"))
			assert.Equal(t, before, after, "the baseline was touched")
			assert.Equal(t, backups, h.databases(), "the baseline was touched")
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
		refused(t, result.BadArguments, c.want, strings.Fields(c.args)...)
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
	l, text := h.run("init", "--force", "--yes")
	backups := h.databases()
	require.Equal(t, result.Clean, l.Status, "over a baseline: %+v\n%s", l, text)
	require.Equal(t, 5, l.Total, "over a baseline")
	require.Len(t, backups, 1, "over a baseline")
	require.Equal(t, before, h.read("db/"+backups[0]), "over a baseline")
	require.Contains(t, text, backups[0], "over a baseline")
	if l, _ := h.run("check"); l.Status != result.Clean {
		t.Errorf("check after it: %+v", l)
	}
	if h.run("accept", "--undo"); h.read("db/aide.db") != before {
		t.Error("an undo does not go back to the baseline before")
	}
}

func TestInitForceOverGarbage(t *testing.T) { aidetest.Each(t, testInitForceOverGarbage) }

func testInitForceOverGarbage(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	h.run("init")
	h.write("db/aide.db", "garbage\n")
	l, _ := h.run("init")
	assert.Equal(t, result.BaselineInvalid, l.Reason, "over garbage without --force: %+v", l)
	assert.Contains(t, l.Message, "--force", "over garbage without --force")
	assert.Equal(t, "garbage\n", h.read("db/aide.db"), "over garbage without --force")
	if l, _ = h.run("init", "--force", "--yes"); l.Status != result.Clean {
		t.Errorf("over garbage: %+v", l)
	}
	if !slices.ContainsFunc(h.databases(), func(name string) bool { return h.read("db/"+name) == "garbage\n" }) {
		t.Errorf("the garbage is lost: %q", h.databases())
	}
	l, _ = h.run("accept", "--undo")
	assert.Equal(t, result.BaselineInvalid, l.Reason, "undo to garbage: %+v", l)
	assert.Contains(t, l.Message, "aide.db.aide-node-20", "undo to garbage")
}

func TestInitForceWithoutBaseline(t *testing.T) { aidetest.Each(t, testInitForceWithoutBaseline) }

func testInitForceWithoutBaseline(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	l, _ := h.run("init", "--force", "--yes")
	assert.Equal(t, result.Clean, l.Status, "%+v", l)
	assert.Empty(t, h.databases())
}
