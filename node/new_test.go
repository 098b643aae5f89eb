package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// TestNewChanges counts the changes that the check before did not have.
func TestNewChanges(t *testing.T) { aidetest.Each(t, testNewChanges) }

func testNewChanges(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	h.run("init")
	check := func(what string, sum, added int, since string) result.Line {
		t.Helper()
		l, text := h.run("check")
		assert.NotNil(t, l.Counts, what)
		assert.Equal(t, sum, l.Sum(), "%s: %+v\n%s", what, l, text)
		assert.Equal(t, added, l.New, "%s: %+v", what, l)
		assert.Equal(t, since, l.Since, what)
		return l
	}
	h.write("tree/a", "other\n")
	first := check("the first check of a baseline", 1, 1, "")
	second := check("the same again", 1, 0, first.Report)
	h.write("tree/c", "c\n")
	third := check("one more", 2, 1, second.Report)
	h.write("tree/a", "and again other\n")
	fourth := check("a file that had changed changes again", 2, 1, third.Report)
	h.remove("tree/c")
	fifth := check("one less", 1, 0, fourth.Report)
	h.write("tree/a", "a\n")
	sixth := check("none", 0, 0, fifth.Report)
	h.remove("tree/b")
	seventh := check("one after none", 1, 1, sixth.Report)

	h.run("check", "--aide", h.fake("exit 18"))
	check("after a check that failed", 1, 0, seventh.Report)
	for name, text := range map[string]string{"lost": "", "cut": "aide-node changes 1 ", "another's": h.read("state/changes")[:30] + h.read("state/changes")} {
		h.write("state/changes", text)
		check("a memory that is "+name, 1, 1, "")
	}
	h.run("init", "--force", "--yes")
	check("another baseline", 0, 0, "")
}
