package check

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
)

// FuzzParse holds that every saved report has an answer that is a line.
func FuzzParse(f *testing.F) {
	reports, err := filepath.Glob("../aide/testdata/corpus/*/*/stdout")
	require.NoError(f, err)
	require.NotEmpty(f, reports)
	for _, path := range reports {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(text) < 8<<10 {
			f.Add(text, []byte("WARNING: failed to access '/a': No (skipping)\n"), 0)
			f.Add(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), []byte{}, 1)
		}
	}
	f.Fuzz(func(t *testing.T, report, stderr []byte, exit int) {
		exit %= 256
		for _, s := range []PastRun{
			{Report: bytes.NewReader(report), Stderr: bytes.NewReader(stderr), Exit: &exit},
			{Report: bytes.NewReader(report)},
		} {
			a := Parse(s, "0.1.0")
			line, err := a.Encode()
			if err != nil {
				t.Fatalf("%+v: %v", a.Line, err)
			}
			if len(line) > result.MaxBytes {
				t.Errorf("%d bytes", len(line))
			}
			if _, err := result.Parse(line); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	})
}
