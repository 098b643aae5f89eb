package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide"
)

// kept makes a folder that holds one report.
func kept(t *testing.T, reports map[Kind]string) (Folder, string) {
	t.Helper()
	f := Folder(t.TempDir())
	for k, text := range reports {
		if err := f.Write(ago(0), k, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	return f, ago(0)
}

// read reads a page, and checks what holds for each of them.
func read(t *testing.T, f Folder, q Query) (Cursor, string) {
	t.Helper()
	q.Now = noon
	out, err := f.Page(q)
	if err != nil {
		t.Fatal(err)
	}
	first, body, _ := strings.Cut(string(out), "\n")
	var c Cursor
	if err := json.Unmarshal([]byte(first), &c); err != nil {
		t.Fatalf("%v in the cursor %q", err, first)
	}
	assert.LessOrEqual(t, len(out), MaxBytes, "a page")
	assert.Less(t, len(first), maxCursor, "its cursor")
	printed(t, q.Format, string(out))
	want := q.Offset + c.Count
	if c.Next != 0 {
		assert.Equal(t, want, c.Next, "a cursor that leads nowhere")
	}
	assert.Equal(t, want >= c.Total, c.Next == 0, "a cursor that leads nowhere: %+v", c)
	assert.Equal(t, q.Offset, c.Offset, "a cursor that leads nowhere")
	return c, body
}

// printed checks that nothing printed can drive a terminal, and that JSON is some.
func printed(t *testing.T, f Format, text string) {
	t.Helper()
	i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && unicode.IsControl(r) })
	assert.Negative(t, i, "a control character in %q", text)
	assert.True(t, utf8.ValidString(text), "no UTF-8: %q", text)
	for line := range strings.Lines(text) {
		if f == Lines && !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %q", line)
		}
	}
}

func corpus(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../aide/testdata/corpus", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const all = `+ /srv/aide-corpus/app/new1.txt
+ /srv/aide-corpus/app/new2.txt
- /srv/aide-corpus/app/file00003.txt
~ /srv/aide-corpus/app/file00001.txt
`

func TestChanges(t *testing.T) {
	cases := map[string]struct {
		kind   Kind
		report string
		q      Query
		want   string // lines of the page, after the cursor
		total  int
		next   int
	}{
		"clean":   {JSON, corpus(t, "0.18.3/check-json-clean/stdout"), Query{Limit: 9}, "", 0, 0},
		"no more": {JSON, corpus(t, "0.18.3/check-json-all/stdout"), Query{Offset: 6, Limit: 9}, "", 6, 0},
		"too far": {JSON, corpus(t, "0.18.3/check-json-all/stdout"), Query{Offset: 1 << 40, Limit: 9}, "", 6, 0},
		"json": {JSON, corpus(t, "0.18.3/check-json-all/stdout"), Query{Limit: 4}, all +
			"    size: 10 → 19\n    sha256: WecJYlaC2OWlcaKxH6RLVMOThp86SbtnvqGAL8aTeXI= → /eMRV0p5DEEReWWDFjVIktgf6DtNBixlCN27glaGvN0=\n", 6, 4},
		"json, the rest": {JSON, corpus(t, "0.19.3/check-json-all/stdout"), Query{Offset: 4, Limit: 9}, "~ /srv/aide-corpus/app/file00002.txt\n    perm: -rw-r--r-- → -rw-------\n" +
			"~ /srv/aide-corpus/app/file00004.txt\n    uid: 0 → 1000\n    gid: 0 → 1000\n", 6, 0},
		"json as json": {JSON, corpus(t, "0.18.6/check-json-all/stdout"), Query{Offset: 2, Limit: 3, Format: Lines}, `{"kind":"-","path":"/srv/aide-corpus/app/file00003.txt"}
{"kind":"~","path":"/srv/aide-corpus/app/file00001.txt","details":{"size":{"old":"10","new":"19"},"sha256":{"old":"WecJYlaC2OWlcaKxH6RLVMOThp86SbtnvqGAL8aTeXI=","new":"/eMRV0p5DEEReWWDFjVIktgf6DtNBixlCN27glaGvN0="}}}
{"kind":"~","path":"/srv/aide-corpus/app/file00002.txt","details":{"perm":{"old":"-rw-r--r--","new":"-rw-------"}}}
`, 6, 5},
		"plain": {Plain, corpus(t, "0.16.2/check-all/stdout"), Query{Limit: 4}, all +
			"    Size     : 10                               | 19\n    SHA256   : WecJYlaC2OWlcaKxH6RLVMOThp86Sbtn | /eMRV0p5DEEReWWDFjVIktgf6DtNBixl\n" +
			"    vqGAL8aTeXI=                     | CN27glaGvN0=\n", 6, 4},
		"plain as json": {Plain, corpus(t, "0.17.4/check-all/stdout"), Query{Offset: 4, Limit: 1, Format: Lines},
			`{"kind":"~","path":"/srv/aide-corpus/app/file00002.txt","lines":[" Perm      : -rw-r--r--                       | -rw-------"]}` + "\n", 6, 5},
		"odd names": {Plain, corpus(t, "0.16.2/check-odd-names-added/stdout"), Query{Limit: 5}, `+ /srv/aide-corpus/app/\033[31mred.txt
+ /srv/aide-corpus/app/---------------------------------------------------
+ /srv/aide-corpus/app/AIDE found differences between database and filesystem!!
+ /srv/aide-corpus/app/Added entries: 999
+ /srv/aide-corpus/app/Changed entries:\0117\012
`, 12, 5},
		"lists and odd values": {JSON, `{"changed":{"/a":"f","/b":"f"},"details":{"/a":{"acl":{"old":["A: x","D: y"],"new":"none"}},
			"/c":{"size":{"old":1,"new":2}},"/b":{"x\u009b\"":{"old":null,"new":[[1],"\u202e😀\u007f"],"other":{}}}}}`, Query{Limit: 9, Format: Lines}, `{"kind":"~","path":"/a","details":{"acl":{"old":"A: x, D: y","new":"none"}}}
{"kind":"~","path":"/b","details":{"x\u009b\"":{"old":"null","new":"\u202e😀\u007f"}}}
`, 2, 0},
		"no UTF-8": {JSON, "{\"added\":{\"/a\xff\":\"f\"}}", Query{Limit: 9, Format: Lines}, `{"kind":"+","path":"/a\\377"}` + "\n", 1, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f, id := kept(t, map[Kind]string{c.kind: c.report})
			if c.q.Format == "" {
				c.q.Format = Text
			}
			cursor, body := read(t, f, c.q)
			if body != c.want {
				t.Errorf("got\n%swant\n%s", body, c.want)
			}
			assert.Equal(t, "changes", cursor.Kind, "%+v", cursor)
			assert.Equal(t, c.total, cursor.Total)
			assert.Equal(t, c.next, cursor.Next)
			assert.Equal(t, id, cursor.Report)
		})
	}
}

// report writes the JSON report of n changed files as AIDE does, with k details
// of each and a value of the given length.
func report(n, k, value int, name func(i int) string) string {
	var lists, details strings.Builder
	for i := range n {
		comma := ","
		if i == n-1 {
			comma = ""
		}
		quoted, _ := json.Marshal(name(i))
		fmt.Fprintf(&lists, "%s: \"f = p..\"%s\n", quoted, comma)
		fmt.Fprintf(&details, "%s: {", quoted)
		for d := range k {
			fmt.Fprintf(&details, `"attribute%d": {"old": %d, "new": "%s"}`, d, i, strings.Repeat("v", value))
			if d < k-1 {
				details.WriteString(", ")
			}
		}
		fmt.Fprintf(&details, "}%s\n", comma)
	}
	return `{"aide_version": "0.19.3", "changed": {` + lists.String() + `}, "details": {` + details.String() + `}, "end_time": "now"}`
}

// TestPagesJoin follows the cursor: every entry is on one page, whatever there
// is room for.
func TestPagesJoin(t *testing.T) {
	long := strings.Repeat("/long", 800)
	cases := map[string]struct {
		n, k, value, limit int
		name               func(i int) string
	}{
		"short":       {3000, 0, 0, 1000, func(i int) string { return fmt.Sprintf("/%d", i) }},
		"details":     {500, 5, 60, 1000, func(i int) string { return fmt.Sprintf("/srv/%d", i) }},
		"limit":       {50, 2, 60, 7, func(i int) string { return fmt.Sprintf("/srv/%d", i) }},
		"long names":  {40, 1, 10, 1000, func(i int) string { return fmt.Sprintf("%s/%d", long, i) }},
		"odd names":   {300, 1, 10, 1000, func(i int) string { return fmt.Sprintf("/\n\x01\u009b\u202e%s%d", strings.Repeat("\t", i), i) }},
		"much to say": {20, 10, 3000, 1000, func(i int) string { return fmt.Sprintf("/srv/%d", i) }},
	}
	for name, c := range cases {
		for _, format := range []Format{Text, Lines} {
			t.Run(name+" "+string(format), func(t *testing.T) {
				f, _ := kept(t, map[Kind]string{JSON: report(c.n, c.k, c.value, c.name)})
				seen, pages := 0, 0
				for offset, more := 0, true; more; pages++ {
					cursor, body := read(t, f, Query{Offset: offset, Limit: c.limit, Format: format})
					require.Equal(t, c.n, cursor.Total, "%+v of %d entries", cursor, c.n)
					require.NotEqual(t, 0, cursor.Count)
					require.LessOrEqual(t, cursor.Count, c.limit)
					for line := range strings.Lines(body) {
						if format == Text && strings.HasPrefix(line, "~ ") {
							want, _ := Text.escape(nil, c.name(seen), MaxBytes)
							if line != "~ "+string(want)+"\n" {
								t.Fatalf("entry %d is %q", seen, line)
							}
							seen++
						}
						if format == Lines {
							var e struct {
								Path    string
								Details map[string]any
							}
							err := json.Unmarshal([]byte(line), &e)
							require.NoError(t, err, "entry %d is %q", seen, line)
							require.Equal(t, c.name(seen), e.Path, "entry %d is %q", seen, line)
							if c.value < maxValue/2 {
								require.Len(t, e.Details, c.k, "entry %d is %q", seen, line)
							}
							seen++
						}
					}
					offset, more = cursor.Next, cursor.Next > 0
				}
				if seen != c.n {
					t.Errorf("%d entries on %d pages, want %d", seen, pages, c.n)
				}
			})
		}
	}
}

// TestCut has entries that are too long even for a page of their own.
func TestCut(t *testing.T) {
	for _, format := range []Format{Text, Lines} {
		f, _ := kept(t, map[Kind]string{JSON: report(2, 1, 5, func(i int) string { return fmt.Sprint("/", i, strings.Repeat("x", 30000)) })})
		c, body := read(t, f, Query{Limit: 9, Format: format})
		assert.Equal(t, 1, c.Count, "a long name: %+v, %d bytes, %q", c, len(body), body[max(0, len(body)-100):])
		assert.Equal(t, 1, c.Next, "a long name")
		assert.Contains(t, body, "xx"+mark, "a long name")
		assert.GreaterOrEqual(t, len(body), MaxBytes-maxCursor-100, "a long name")
		f, _ = kept(t, map[Kind]string{JSON: report(2, 20, 5000, func(i int) string { return fmt.Sprint("/", i) })})
		c, body = read(t, f, Query{Limit: 9, Format: format})
		end := map[Format]string{Text: "    …\n", Lines: `},"cut":true}` + "\n"}[format]
		assert.Equal(t, 1, c.Count, "much to say: %+v, %q", c, body[max(0, len(body)-100):])
		assert.True(t, strings.HasSuffix(body, end), "much to say: %+v, %q", c, body[max(0, len(body)-100):])
		assert.Contains(t, body, "vv"+mark, "much to say")
	}
}

// FuzzPage prints any entries with any details into any room.
func FuzzPage(f *testing.F) {
	f.Add("/a\n\x1b\x00", "size", "1", "\xff2", "Line : /a", uint16(300), true)
	f.Add("/日本\u202e", "a\"b", "\\", "", "", uint16(20), false)
	f.Fuzz(func(t *testing.T, name, attribute, before, after, line string, room uint16, lines bool) {
		format := Text
		if lines {
			format = Lines
		}
		most := 100 + int(room)
		p := newPage(format, most, 20)
		for i := range 30 {
			by := ""
			if i%2 == 0 && most > 2*longestPackage {
				by = before
			}
			p.add([]aide.Kind{aide.Added, aide.Removed, aide.Changed}[i%3], []byte(fmt.Sprint(name, i%25)), by)
		}
		for i := range 30 {
			d := aide.Detail{Attribute: attribute, Old: before, New: after}
			if attribute == "" {
				d = aide.Detail{Line: line}
			}
			if err := p.detail([]byte(fmt.Sprint(name, i%15)), d); err != nil {
				t.Fatal(err)
			}
		}
		out := p.bytes()
		assert.LessOrEqual(t, len(out), most)
		require.Len(t, out, p.size)
		require.NotEmpty(t, p.entries)
		assert.LessOrEqual(t, len(p.entries), 20)
		printed(t, format, string(out))
		if entries := bytes.Count(out, []byte("\n")); format == Lines && entries != len(p.entries) {
			t.Errorf("%d lines for %d entries", entries, len(p.entries))
		}
	})
}
