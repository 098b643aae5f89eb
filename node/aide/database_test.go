package aide

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestReadDatabases reads whole baselines of one tree as AIDE's releases wrote them.
func TestReadDatabases(t *testing.T) {
	text, err := os.ReadFile("testdata/databases/expect.json")
	if err != nil {
		t.Fatal(err)
	}
	var expect struct {
		Entries int
		Prefix  string
		Names   []string
	}
	if err := json.Unmarshal(text, &expect); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range expect.Names {
		want = append(want, expect.Prefix+name)
	}
	slices.Sort(want)
	for _, version := range []string{"0.16.2", "0.17.4", "0.18.6", "0.18.8", "0.19.3", "0.20-dev"} {
		for _, file := range []string{"plain.db", "gzip.db.gz"} {
			t.Run(version+"/"+file, func(t *testing.T) {
				f, err := os.Open(filepath.Join("testdata/databases", version, file))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = f.Close() }()
				var got []string
				d, err := ReadDatabase(f, func(e Entry) error {
					got = append(got, string(e.Name()))
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if d.Entries != expect.Entries {
					t.Errorf("%d entries, want %d", d.Entries, expect.Entries)
				}
				// 0.16.2 was built with gcrypt: it has no end marker.
				if want := version != "0.16.2"; d.Marked != want {
					t.Errorf("marked is %t", d.Marked)
				}
				if d.Writer != version && version != "0.20-dev" {
					t.Errorf("written by %q", d.Writer)
				}
				if !strings.HasPrefix(d.Written, "2026-11-25 22:39:3") {
					t.Errorf("written at %q", d.Written)
				}
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Errorf("names %q, want %q", got, want)
				}
			})
		}
	}
}
