package check

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide"
)

// database is one of n files on a host whose inodes and times are its own, in an
// order of its own.
func database(host uint64, n int, change func(i int, line string) string) string {
	random := rand.New(rand.NewPCG(host, 0))
	lines := make([]string, n)
	for i := range lines {
		lines[i] = change(i, fmt.Sprintf("/srv/f%05d 100644 0 0 %d MTc5%d %d 1 digest%d=", i, 100+i, random.IntN(10000), random.IntN(1e6), i))
	}
	random.Shuffle(n, func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return "@@begin_db\n@@db_spec name perm uid gid size mtime inode lcount sha256\n" + strings.Join(lines, "\n") + "\n@@end_db\n"
}

func digest(t *testing.T, text string) string {
	t.Helper()
	f := fingerprint{digests: digestSorter{dir: t.TempDir()}}
	defer f.close()
	if _, err := aide.ReadDatabase(strings.NewReader(text), func(e aide.Entry) error { return f.addPresent(aide.Changed, e) }); err != nil {
		t.Fatal(err)
	}
	if err := f.addRemoved([]byte("/gone")); err != nil {
		t.Fatal(err)
	}
	sum, err := f.sum(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func same(_ int, line string) string { return line }

// TestFingerprintProperties: what differs between hosts to which the same
// happened does not count, and everything else does. The last size waits in a
// file.
func TestFingerprintProperties(t *testing.T) {
	for _, n := range []int{1, 7, 300, inMemory + 5000} {
		one := digest(t, database(1, n, same))
		if two := digest(t, database(2, n, same)); one != two {
			t.Errorf("%d entries: %s on one host, %s on another", n, one, two)
		}
		at := n / 2
		for name, change := range map[string][2]string{
			"name": {"/srv/f", "/srv/g"}, "mode": {" 100644 ", " 100645 "}, "owner": {" 0 0 ", " 1 0 "}, "group": {" 0 0 ", " 0 1 "},
			"size": {fmt.Sprintf(" %d ", 100+at), " 99 "}, "byte": {"digest", "Digest"},
		} {
			changed := digest(t, database(1, n, func(i int, line string) string {
				if i == at {
					line = strings.Replace(line, change[0], change[1], 1)
				}
				return line
			}))
			if changed == one {
				t.Errorf("%d entries: another %s, and the fingerprint is the same", n, name)
			}
		}
	}
}

// TestFingerprintIsDocumented computes one as docs/results.md describes it.
func TestFingerprintIsDocumented(t *testing.T) {
	var records [][]byte
	for _, r := range []string{"/a\x00~\x00gid=0\x00perm=100644\x00sha256=x\x00size=5\x00uid=0\x00", "/d\x00+\x00gid=0\x00perm=40755\x00uid=0\x00", "/gone\x00-\x00"} {
		sum := sha256.Sum256([]byte(r))
		records = append(records, sum[:])
	}
	slices.SortFunc(records, bytes.Compare)
	want := sha256.Sum256(append([]byte("aide-node fingerprint 1\n"), bytes.Join(records, nil)...))

	f := fingerprint{}
	text := "@@begin_db\n@@db_spec name perm uid gid size mtime inode sha256\n/a 100644 0 0 5 9 9 x\n/d 40755 0 0 4096 9 9 0\n@@end_db\n"
	kinds := map[string]aide.Kind{"/a": aide.Changed, "/d": aide.Added}
	if _, err := aide.ReadDatabase(strings.NewReader(text), func(e aide.Entry) error { return f.addPresent(kinds[string(e.Name())], e) }); err != nil {
		t.Fatal(err)
	}
	if err := f.addRemoved([]byte("/gone")); err != nil {
		t.Fatal(err)
	}
	got, err := f.sum(io.Discard)
	assert.NoError(t, err)
	assert.Equal(t, hex.EncodeToString(want[:])[:32], got)
}

// TestChangesInParts finds each name in exactly one part.
func TestChangesInParts(t *testing.T) {
	const n, parts = 3000, 4
	seed := maphash.MakeSeed()
	summary := aide.Summary{Added: n, Changed: 1}
	found := make(map[string]int)
	for part := range parts {
		c := newChanges(false, seed, n, part, parts)
		c.spelling = aide.Spellings[1]
		for i := range n {
			if err := c.add(aide.Change{Kind: aide.Added, Name: fmt.Appendf(nil, "/f%d", i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.add(aide.Change{Kind: aide.Changed, Name: []byte(`/tab\011`)}); err != nil {
			t.Fatal(err)
		}
		if err := c.seal(summary); err != nil {
			t.Fatal(err)
		}
		for i := range n + 100 {
			name := fmt.Sprintf("/f%d", i)
			if c.kind([]byte(name)) == aide.Added {
				found[name]++
			}
		}
		if c.kind([]byte("/tab\t")) == aide.Changed {
			found["/tab"]++
		}
	}
	for name, times := range found {
		if times != 1 {
			t.Errorf("%s was found %d times", name, times)
		}
	}
	if len(found) != n+1 {
		t.Errorf("%d names were found, want %d", len(found), n+1)
	}
}

func TestSealRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		names   []string
		summary aide.Summary
	}{
		"one more than counted": {[]string{"/a", "/b"}, aide.Summary{Added: 1}},
		"one fewer":             {[]string{"/a"}, aide.Summary{Added: 2}},
		"of another kind":       {[]string{"/a"}, aide.Summary{Changed: 1}},
		"the same twice":        {[]string{"/a", "/a"}, aide.Summary{Added: 2}},
	} {
		l := newChanges(false, maphash.MakeSeed(), 2, 0, 1)
		for _, n := range c.names {
			if err := l.add(aide.Change{Kind: aide.Added, Name: []byte(n)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.seal(c.summary); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSample(t *testing.T) {
	var s sample
	for i := range 500 {
		s.add(aide.Added, fmt.Appendf(nil, "/srv/app/%03d", i), false)
	}
	s.add(aide.Changed, []byte("/etc/hosts"), false)
	s.add(aide.Changed, []byte("/home/x/.ssh/authorized_keys"), false)
	s.add(aide.Added, []byte("/srv/app/zzz"), true)
	s.add(aide.Changed, []byte("/etc/passwd"), false)
	s.add(aide.Removed, []byte("/"), false)
	got := s.paths()
	want := []string{"+/srv/app/zzz", "~/home/x/.ssh/authorized_keys", "~/etc/passwd", "~/etc/hosts", "-/", "+/srv/app/000"}
	require.Len(t, got, sampleSize)
	assert.Equal(t, want, got[:len(want)])
}
