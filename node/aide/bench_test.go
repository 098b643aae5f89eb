package aide

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// entries is the size of the reports that are read.
const entries = 1_000_000

// writeReport writes a report with entries changes, as AIDE 0.18 does.
func writeReport(b *testing.B, json bool) (path string, size int64) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "report")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	head, entry, tail := "AIDE found differences between database and filesystem!!\n\nSummary:\n  Total number of entries:\t1000000\n  Added entries:\t\t0\n  Removed entries:\t\t0\n  Changed entries:\t\t1000000\n\n"+
		ruled("Changed entries:")+"\n", "f > ...    n.H     : /srv/app/folder-%03d/some-file-%06d.txt\n", "\n"+ruled("Detailed information about changes:")
	if json {
		head, entry, tail = "{\n  \"outline\": \"AIDE found differences\",\n  \"number_of_entries\": {\n    \"total\": 1000000\n  },\n  \"changed\": {\n",
			"    \"/srv/app/folder-%03d/some-file-%06d.txt\": \"f > ...    n.H     \",\n", "    \"/z\": \"f > ...    n.H     \"\n  },\n  \"details\": {"
	}
	_, err = w.WriteString(head)
	for i := range entries {
		if err == nil {
			_, err = fmt.Fprintf(w, entry, i/1000, i)
		}
	}
	if err == nil {
		_, err = w.WriteString(tail)
	}
	if err == nil {
		err = w.Flush()
	}
	info, statErr := f.Stat()
	require.NoError(b, err)
	require.NoError(b, statErr)
	require.NoError(b, f.Close())
	return path, info.Size()
}

func ruled(title string) string {
	const line = "---------------------------------------------------\n"
	return line + title + "\n" + line
}

func BenchmarkRead(b *testing.B) {
	for name, json := range map[string]bool{"plain": false, "json": true} {
		b.Run(name, func(b *testing.B) {
			path, size := writeReport(b, json)
			b.SetBytes(size)
			for b.Loop() {
				f, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				count := func(Change) error { n++; return nil }
				if json {
					_, err = ReadJSON(f, count)
				} else {
					err = ReadPlain(f, count)
				}
				require.NoError(b, err)
				require.GreaterOrEqual(b, n, entries)
				_ = f.Close()
			}
		})
	}
}

// BenchmarkReadDatabase reads a compressed database of 100,000 entries.
func BenchmarkReadDatabase(b *testing.B) {
	var text strings.Builder
	text.WriteString("@@begin_db\n@@db_spec name perm uid gid size attr sha256 \n")
	for i := range 100_000 {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		fmt.Fprintf(&text, "/srv/app/folder-%03d/some-file-%06d.txt 100644 0 0 %d 9665774117 %s\n", i/500, i, i, base64.StdEncoding.EncodeToString(sum[:]))
	}
	text.WriteString("@@end_db\n")
	packed := zipped(text.String())
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		d, err := ReadDatabase(strings.NewReader(packed), nil)
		require.NoError(b, err)
		require.Equal(b, 100_000, d.Entries)
	}
}
