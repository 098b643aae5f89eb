package history

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestText has what AIDE said where a check failed, and reports that are not to
// be read: every byte of it is on one page.
func TestText(t *testing.T) {
	invalid := corpus(t, "0.18.6/check-json-odd/stdout")
	cases := map[string]struct {
		reports map[Kind]string
		kind    string
		want    string
	}{
		"failed":              {map[Kind]string{Failed: "AIDE ended with status 18\n\nstderr:\n\x1b[31m\xff\n"}, "failed", "AIDE ended with status 18\n\nstderr:\n\\033[31m\\377\n"},
		"failed, with report": {map[Kind]string{Failed: "it failed\n", JSON: invalid}, "failed", "it failed\n\nAIDE's report:\n" + strings.NewReplacer("\x1b", `\033`, "\t", `\011`).Replace(invalid)},
		"invalid JSON":        {map[Kind]string{JSON: invalid}, "text", strings.NewReplacer("\x1b", `\033`, "\t", `\011`).Replace(invalid)},
		"nothing":             {map[Kind]string{Failed: ""}, "failed", ""},
		"many lines":          {map[Kind]string{Failed: strings.Repeat("a line of forty characters, more or less\n", 5000)}, "failed", strings.Repeat("a line of forty characters, more or less\n", 5000)},
		"one long line":       {map[Kind]string{Failed: strings.Repeat("日本", 20000)}, "failed", strings.Repeat("日本", 20000)},
		"long odd line":       {map[Kind]string{Failed: "x\n" + strings.Repeat("\t", 30000) + "\ny"}, "failed", "x\n" + strings.Repeat(`\011`, 30000) + "\ny"},
	}
	for name, c := range cases {
		for _, format := range []Format{Text, Lines} {
			t.Run(name+" "+string(format), func(t *testing.T) {
				f, _ := kept(t, c.reports)
				var joined strings.Builder
				for offset, more := 0, true; more; {
					cursor, body := read(t, f, Query{Offset: offset, Limit: 1, Format: format})
					require.Equal(t, c.kind, cursor.Kind, "%+v", cursor)
					if cursor.Next == 0 {
						require.Equal(t, cursor.Total, cursor.Offset+cursor.Count, "%+v", cursor)
					}
					for line := range strings.Lines(body) {
						if format == Lines {
							var l struct{ Text string }
							if err := json.Unmarshal([]byte(line), &l); err != nil {
								t.Fatal(err)
							}
							line = l.Text
						}
						joined.WriteString(strings.TrimSuffix(line, "\n"))
					}
					offset, more = cursor.Next, cursor.Next > 0
				}
				// A line that has no room on a page goes on in the next line.
				got, want := joined.String(), strings.ReplaceAll(c.want, "\n", "")
				if format == Lines {
					got = strings.NewReplacer("\x1b", `\033`, "\t", `\011`).Replace(got)
				}
				if got != want {
					t.Errorf("got %.300q, want %.300q", got, want)
				}
			})
		}
	}
}

func TestFind(t *testing.T) {
	f := In(t.TempDir())
	_, err := f.Page(Query{Limit: 1, Format: Text, Now: noon})
	assert.ErrorIs(t, err, ErrUnknown, "nothing kept")
	assert.ErrorContains(t, err, "aide-node check", "nothing kept")
	if err := os.Mkdir(string(f), 0o700); err != nil {
		t.Fatal(err)
	}
	clean := corpus(t, "0.18.3/check-json-clean/stdout")
	for _, days := range []time.Duration{-5, 1, 2, 3, 4, 5, 6, 7} {
		if err := f.Write(ago(days*day), JSON, strings.NewReader(clean)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ id, want, older string }{
		{"", ago(1 * day), ago(2 * day)}, // not the one from the future
		{ago(-5 * day), ago(-5 * day), ago(1 * day)},
		{ago(3 * day), ago(3 * day), ago(4 * day)},
		{ago(7 * day), ago(7 * day), ""},
	} {
		cursor, _ := read(t, f, Query{ID: c.id, Limit: 1, Format: Text})
		assert.Equal(t, c.want, cursor.Report, "%q: %+v", c.id, cursor)
		assert.Equal(t, c.older, cursor.Older, c.id)
	}
	_, err = f.Page(Query{ID: ago(8 * day), Limit: 1, Format: Text, Now: noon})
	require.ErrorIs(t, err, ErrUnknown, "an id that is not kept")
	assert.ErrorContains(t, err, ago(3*day), "an id that is not kept")
	assert.LessOrEqual(t, len(err.Error()), 300, "an id that is not kept")
}

// TestDamage cuts a kept report short, and flips a byte of it.
func TestDamage(t *testing.T) {
	f, name := kept(t, map[Kind]string{JSON: report(2000, 3, 20, func(i int) string { return strings.Repeat("/x", i%50+1) })})
	whole, err := os.ReadFile(f.path(name, JSON))
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/3] ^= 0x55
	for what, b := range map[string][]byte{"cut": whole[:len(whole)/3], "flipped": flipped, "empty": {}, "no gzip": []byte("{}")} {
		if err := os.WriteFile(f.path(name, JSON), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := f.Page(Query{Limit: 1000, Offset: 10, Format: Text, Now: noon}); err == nil && bytes.Contains(out, []byte(`"changes"`)) {
			t.Errorf("%s: %.200s", what, out)
		} else if err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error does not say what could not be read: %v", what, err)
		}
	}
}
