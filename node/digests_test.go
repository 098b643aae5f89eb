package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// digest is the beginning of the SHA-256 of a file.
func digest(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// TestDigests holds what each answer says for those who watch the baseline from outside.
func TestDigests(t *testing.T) { aidetest.Each(t, testDigests) }

func testDigests(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	programs := func(what string, l result.Line) {
		t.Helper()
		assert.Equal(t, digest(t, h.aide)[:32], l.AIDESHA256, what)
		assert.Equal(t, digest(t, "/proc/self/exe")[:32], l.NodeSHA256, what)
	}
	first, _ := h.run("init")
	programs("init", first)
	assert.Equal(t, digest(t, h.dir+"/db/aide.db"), first.Baseline.SHA256, "init")
	assert.Empty(t, first.Baseline.Was, "a first baseline")
	assert.Empty(t, first.Next, "init")

	h.write("tree/a", "other\n")
	drift, _ := h.run("check")
	programs("check", drift)
	assert.Equal(t, digest(t, h.state+"/run/new.db"), drift.Next, "check")
	assert.Empty(t, drift.Baseline.Was, "check")

	accepted, _ := h.run("accept", "--fingerprint", drift.Fingerprint)
	programs("accept", accepted)
	assert.Equal(t, drift.Next, accepted.Baseline.SHA256, "what was announced")
	assert.Equal(t, first.Baseline.SHA256, accepted.Baseline.Was, "accept")

	undone, _ := h.run("accept", "--undo")
	assert.Equal(t, first.Baseline.SHA256, undone.Baseline.SHA256, "undo")
	assert.Equal(t, accepted.Baseline.SHA256, undone.Baseline.Was, "undo")

	forced, _ := h.run("init", "--force", "--yes")
	assert.Equal(t, undone.Baseline.SHA256, forced.Baseline.Was, "init --force")

	h.write("db/aide.db", "garbage\n")
	failed, _ := h.run("check")
	programs("a check that fails", failed)
	assert.Equal(t, digest(t, h.dir+"/db/aide.db"), failed.Baseline.SHA256, "a baseline that cannot be compared with")
	assert.Empty(t, failed.Next, "a check that fails")

	failed, _ = h.run("check", "--aide", h.dir+"/none")
	assert.Empty(t, failed.AIDESHA256, "no AIDE")
	assert.NotEmpty(t, failed.NodeSHA256, "no AIDE")
}
