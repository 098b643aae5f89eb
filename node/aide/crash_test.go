package aide

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzLastLooked: however the log is cut into pieces, the path is that of its last
// whole line which names one, and no memory is taken for a line that does not end.
func FuzzLastLooked(f *testing.F) {
	f.Add("  DEBUG: get file attributes '/a'\n  DEBUG: get file attributes '/b' (fullpath: '/b')\n  DEBUG: get", 7)
	f.Add("   INFO: write new entries to database: file:/x\n", 1)
	f.Add(strings.Repeat("x", 2*longestLog)+"get file attributes '/c'\n", 4096)
	f.Fuzz(func(t *testing.T, log string, piece int) {
		var whole, cut lastLooked
		n, err := whole.Write([]byte(log))
		require.NoError(t, err)
		require.Equal(t, len(log), n)
		for rest := log; rest != ""; {
			n := min(max(piece, 1), len(rest))
			_, _ = cut.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		if string(whole.path) != string(cut.path) {
			t.Errorf("%q whole, %q in pieces of %d", whole.path, cut.path, piece)
		}
		if cap(cut.line) > 4*longestLog {
			t.Errorf("%d bytes are kept", cap(cut.line))
		}
	})
}
