package main

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// groupLine is a group in the text for people.
var groupLine = regexp.MustCompile(`(?m)^  ([0-9a-f]{32})  ([0-9]+)  (/\S+)$`)

// groupsOf are the fingerprints of the groups in the text of a check, by name.
func groupsOf(text string) map[string]string {
	groups := map[string]string{}
	for _, m := range groupLine.FindAllStringSubmatch(text, -1) {
		groups[m[3]] = m[1]
	}
	return groups
}

// TestAcceptParts: after any sequence of accepted groups, AIDE finds exactly the changes of
// the others, and at the end none.
func TestAcceptParts(t *testing.T) { aidetest.Each(t, testAcceptParts) }

func testAcceptParts(t *testing.T, a aidetest.AIDE) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			h, _ := configured(t, "amazon-linux", a)
			h.run("configure", "--watch", h.tree+"/app:"+h.tree+"/app2:"+h.tree+"/home")
			l, text := h.run("init", "--force", "--yes")
			require.Equal(t, result.Clean, l.Status, text)
			for i := range 8 {
				folder := []string{"app", "app2", "logs", "home/bob"}[i%4]
				if random.IntN(2) == 0 {
					h.write(fmt.Sprintf("tree/%s/new%d", folder, i), "new\n")
				}
			}
			h.write("tree/app/bin", "changed\n")
			h.remove("tree/logs/2")
			h.write("tree/logs/1", "changed\n")
			h.remove("tree/home/bob/notes")
			l, text = h.run("check")
			require.Equal(t, result.Drift, l.Status, text)
			rest := l.Groups
			random.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
			whole := groupsOf(text)
			require.Len(t, whole, len(rest), text)
			require.Greater(t, len(rest), 1, text)
			for _, g := range rest {
				assert.Equal(t, g.Fingerprint, whole[g.At][:result.GroupDigits], text)
			}
			for n, g := range rest {
				fingerprint := whole[g.At]
				require.NotEmpty(t, fingerprint, text)
				was := l.Baseline.SHA256
				done, text := h.run("accept", "--fingerprint", fingerprint)
				require.Equal(t, result.Clean, done.Status, text)
				if n == 0 {
					assert.Equal(t, was, done.Baseline.Was)
				}
				if n%2 == 1 && n < len(rest)-1 {
					continue // the next one without a check between
				}
				left := 0
				for _, other := range rest[n+1:] {
					left += other.N
				}
				now, text := h.run("check")
				require.NotNil(t, now.Counts, text)
				assert.Equal(t, left, now.Sum(), text)
				assert.Zero(t, now.New, text)
				whole = groupsOf(text)
				if left > 0 && len(whole) == 0 { // the only group left is the whole
					whole[rest[n+1].At] = now.Fingerprint
				}
			}
			h.clean("check")
		})
	}
}

// TestPartOfNothing: a group is accepted only as the last check found it, in the baseline
// that this compared with.
func TestPartOfNothing(t *testing.T) { aidetest.Each(t, testPartOfNothing) }

func testPartOfNothing(t *testing.T, a aidetest.AIDE) {
	h, _ := configured(t, "amazon-linux", a)
	h.write("tree/app/new", "x\n")
	h.write("tree/logs/4", "x\n")
	_, text := h.run("check")
	first := groupsOf(text)[h.tree+"/app"]
	require.NotEmpty(t, first, text)
	h.write("tree/app/new", "y\n")
	_, text = h.run("check")
	second := groupsOf(text)[h.tree+"/app"]
	before := h.read("db/aide.db")

	l, text := h.run("accept", "--fingerprint", first)
	assert.Equal(t, result.Refused, l.Reason, text)
	h.write("aide.conf", h.read("aide.conf")+"# another\n")
	l, text = h.run("accept", "--fingerprint", second)
	assert.Equal(t, result.Refused, l.Reason, text)
	assert.Equal(t, before, h.read("db/aide.db"))
	h.write("aide.conf", strings.TrimSuffix(h.read("aide.conf"), "# another\n"))

	l, text = h.run("accept", "--fingerprint", second)
	assert.Equal(t, result.Clean, l.Status, text)
	merged := h.read("db/aide.db")
	l, text = h.run("accept", "--fingerprint", second)
	assert.Equal(t, result.Clean, l.Status, text)
	assert.Contains(t, text, "accepted already")
	assert.Equal(t, merged, h.read("db/aide.db"))

	l, text = h.run("accept", "--undo")
	assert.Equal(t, result.Clean, l.Status, text)
	assert.Equal(t, before, h.read("db/aide.db"))
	l, text = h.run("accept", "--fingerprint", second)
	assert.Equal(t, result.BaselineInvalid, l.Reason, text)
}
