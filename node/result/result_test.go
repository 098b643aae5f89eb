package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

var started = time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)

func drift(paths ...string) Line {
	return Line{
		V: Version, Status: Drift, Counts: &Counts{Added: len(paths), Total: 100}, Fingerprint: digest[:32],
		AIDE: "0.18.6", Node: "0.1.0", Started: started, Seconds: 12.3, Report: "20261123T050000Z",
		Baseline: &Baseline{SHA256: digest, Created: started}, Config: digest, Paths: paths,
	}
}

func TestEncodeThenParse(t *testing.T) {
	for name, l := range map[string]Line{
		"drift":   drift("+/srv/app/a", "+/\x1b[31m\n\t\u0085\u2028", "+/日本", `+/a\b"c`),
		"clean":   {V: Version, Status: Clean, Counts: &Counts{Total: 12}, Started: started},
		"unread":  {V: Version, Status: Clean, Counts: &Counts{Total: 12}, Unread: 3, UnreadPath: "/srv/\x1b\"日本"},
		"noted":   {V: Version, Status: Clean, Counts: &Counts{Total: 12}, Message: "what to know beside it"},
		"failed":  Failure(BaselineMissing, "there is none"),
		"bare":    {V: Version, Status: Drift, Counts: &Counts{Changed: 3}, More: 3},
		"unknown": Failure("some_new_reason", ""),
	} {
		b, err := l.Encode()
		if err != nil {
			t.Errorf("%s: Encode: %v", name, err)
			continue
		}
		got, err := Parse(append(b, "\nfor people\n"...))
		if err != nil {
			t.Errorf("%s: Parse(%s): %v", name, b, err)
		}
		if !reflect.DeepEqual(got, l) {
			t.Errorf("%s: got %+v, want %+v", name, got, l)
		}
	}
}

// TestEncodeBounds holds whatever goes in.
func TestEncodeBounds(t *testing.T) {
	many := make([]string, 500)
	for i := range many {
		many[i] = fmt.Sprintf("+/srv/app/%03d", i)
	}
	long := "+/" + strings.Repeat("x", 4000)
	for name, l := range map[string]Line{
		"many paths":            drift(many...),
		"one long path":         drift(long),
		"a short one behind":    drift(long, "+/etc/passwd"),
		"control characters":    drift("+/" + strings.Repeat("\x01", 300)),
		"invalid UTF-8":         drift("+/" + strings.Repeat("\xff", 300)),
		"a long message":        Failure(Internal, strings.Repeat("é", 1000)),
		"a message of newlines": Failure(Internal, strings.Repeat("a\n\x1b", 300)),
		"invalid message":       Failure(Internal, "\xff\xfe"),
	} {
		b, err := l.Encode()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		assert.LessOrEqual(t, len(b), MaxBytes, "%s: %q", name, b)
		assert.True(t, utf8.Valid(b), "%s: %q", name, b)
		assert.False(t, strings.ContainsFunc(string(b), unicode.IsControl), "%s: %q", name, b)
		got, err := Parse(b)
		if err != nil {
			t.Errorf("%s: Parse: %v", name, err)
		}
		if got.Counts != nil && len(got.Paths)+got.More != got.Sum() {
			t.Errorf("%s: %d paths and %d more of %d", name, len(got.Paths), got.More, got.Sum())
		}
	}
	b, err := drift(long, "+/etc/passwd").Encode()
	assert.NoError(t, err, "a path that fits was left out")
	assert.Contains(t, string(b), "+/etc/passwd", "a path that fits was left out: %s", b)
}

// TestEncodeFull: a line in which each field is as long as it may be has room.
func TestEncodeFull(t *testing.T) {
	digest, token := strings.Repeat("0", 64), strings.Repeat("9", 40)
	full := Line{
		Message: strings.Repeat("é", 1000), AIDE: token, AIDESHA256: digest[:32], Node: token, NodeSHA256: digest[:32],
		Started: time.Date(2026, 11, 26, 5, 0, 0, 0, time.UTC), Seconds: 172800.5, Report: token,
		Baseline: &Baseline{SHA256: digest, Created: time.Date(2026, 11, 26, 5, 0, 0, 0, time.UTC), Was: digest}, Config: digest,
	}
	failed := full
	failed.Status, failed.Reason = Failed, Reason(strings.Repeat("r", 32))
	drift := full
	drift.Status, drift.Fingerprint, drift.Next, drift.Since = Drift, digest[:32], digest, token
	drift.Baseline = &Baseline{SHA256: digest, Created: full.Baseline.Created} // a check replaces none
	drift.Counts = &Counts{Added: maxCount, Removed: maxCount, Changed: maxCount, Total: maxCount}
	drift.Groups = []Group{{At: "/etc", Fingerprint: digest[:GroupDigits], N: 1}}
	drift.Unread, drift.UnreadPath, drift.New = maxCount, strings.Repeat("\xff", 1000), 3*maxCount
	drift.Explained = 3 * maxCount
	for name, l := range map[string]Line{"failed": failed, "drift": drift} {
		text, err := l.Encode()
		require.NoError(t, err, name)
		assert.LessOrEqual(t, len(text), MaxBytes, name)
		_, err = Parse(text)
		assert.NoError(t, err, name)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, l := range map[string]Line{
		"no status":            {},
		"failed with counts":   {Status: Failed, Reason: Internal, Counts: &Counts{}},
		"failed, no reason":    {Status: Failed},
		"clean, no counts":     {Status: Clean},
		"clean with changes":   {Status: Clean, Counts: &Counts{Added: 1}},
		"drift without change": {Status: Drift, Counts: &Counts{}},
		"a reason on drift":    {Status: Drift, Counts: &Counts{Added: 1}, Reason: Internal},
		"a bad fingerprint":    {Status: Drift, Counts: &Counts{Added: 1}, Fingerprint: "x"},
	} {
		if b, err := l.Encode(); err == nil {
			t.Errorf("%s: %s", name, b)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	ok := `{"v":1,"status":"drift","added":1,"removed":0,"changed":0`
	for _, c := range []struct{ line, want string }{
		{"", "no result line"},
		{"\n" + ok + "}", "no result line"},
		{"bash: aide-node: not found", "no result line"},
		{"{", "not the JSON"},
		{"null", "no result line"},
		{`{"v":1,"status":"drift"}`, "without counts"},
		{`{"v":1,"status":"clean","added":0}`, "not all there"},
		{`{"v":2,"status":"clean","added":0,"removed":0,"changed":0}`, "version 2"},
		{`{"v":1,"status":"fine"}`, "none of"},
		{`{"v":1,"status":"failed","reason":"<script>"}`, "reason"},
		{`{"v":1,"status":"failed","reason":"internal","added":0,"removed":0,"changed":0}`, "with counts"},
		{`{"v":1,"status":"drift","added":-1,"removed":0,"changed":0}`, "a count of -1"},
		{`{"v":1,"status":"drift","added":99999999999999999,"removed":0,"changed":0}`, "a count of"},
		{`{"v":1,"status":"drift","added":1.5,"removed":0,"changed":0}`, "not the JSON"},
		{`{"v":1,"status":"clean","added":null,"removed":0,"changed":0}`, "not all there"},
		{`{"v":1,"status":"clean","added": null,"removed":0,"changed":0}`, "not all there"},
		{ok + `,"added":1}`, `key "added" is there twice`},
		{ok + `,"Added":0}`, `key "Added": want lower-case`},
		{ok + `,"\u0061dded":0}`, `key "\\u0061dded": want lower-case`},
		{ok + `,"ſtatus":"clean"}`, `key "ſtatus": want lower-case`},
		{ok + `,"":0}`, `key "": want lower-case`},
		{ok + `,"later":0,"later":0}`, `key "later" is there twice`},
		{ok + `,"later":[{"a":[1,"a"]},{"a":1,"a":1}]}`, `key "a" is there twice`},
		{ok + `,"baseline":{"sha256":"` + strings.Repeat("0", 64) + `","SHA256":"` + strings.Repeat("1", 64) + `"}}`, `key "SHA256"`},
		{ok + `,"message":"` + strings.Repeat("y", 301) + `"}`, "message has 301 bytes"},
		{ok + `,"message":"a\u001b[31m"}`, "control characters"},
		{ok + `,"message":"a\nb"}`, "control characters"},
		{ok + `,"message":"a\u0085b"}`, "control characters"},
		{ok + `,"fingerprint":"ZZ"}`, "fingerprint"},
		{ok + `,"paths":["x/etc"]}`, "has no +"},
		{ok + `,"paths":["+/a","+/b"]}`, "2 paths"},
		{ok + `,"more":-1,"paths":["+/a","+/b"]}`, "-1 more"},
		{ok + `,"aide":"0.18\u001b[31m"}`, "not a version"},
		{ok + `,"seconds":-1}`, "negative"},
		{ok + `,"unread":-1}`, "unread"},
		{ok + `,"unread_path":"/a"}`, "unread path without"},
		{ok + `,"unread":1,"unread_path":"` + strings.Repeat("y", 121) + `"}`, "121 bytes"},
		{`{"v":1,"status":"failed","reason":"internal","unread":1}`, "unread"},
		{ok + `,"config":"x"}`, "SHA-256"},
		{ok + `,"baseline":{"sha256":"x"}}`, "SHA-256"},
		{ok + `,"x":"` + strings.Repeat("y", MaxBytes) + `"}`, "bytes, at most"},
		{ok + ",\"x\":\"\xff\"}", "UTF-8"},
	} {
		l, err := Parse([]byte(c.line))
		assert.ErrorContains(t, err, c.want, "Parse(%.80q) = %+v", c.line, l)
	}
	if _, err := Parse(nil); !errors.Is(err, ErrNoLine) {
		t.Errorf("Parse of nothing: %v, want ErrNoLine", err)
	}
}

func TestParseIgnoresUnknownFields(t *testing.T) {
	l, err := Parse([]byte(`{"v":1,"status":"clean","added":0,"removed":0,"changed":0,"total":3,"later":{"a":[1,"a","b\\\"{"],"b":{"a":"a"}}}` + "\r\nmore"))
	require.NoError(t, err)
	assert.Equal(t, 3, l.Total, "%+v", l)
}

func FuzzParse(f *testing.F) {
	for _, l := range []Line{drift("+/a", "+/b\n"), Failure(Busy, "since 5"), {V: 1, Status: Clean, Counts: &Counts{Total: 1}}} {
		b, err := l.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, stdout []byte) {
		l, err := Parse(stdout)
		if err != nil {
			return
		}
		if (l.Counts == nil) != (l.Status == Failed) {
			t.Errorf("%+v has the counts of another status", l)
		}
		if _, err := json.Marshal(l); err != nil {
			t.Error(err)
		}
	})
}

func FuzzEncode(f *testing.F) {
	f.Add("message", "/path", 3)
	f.Add(strings.Repeat(`"`, 400), strings.Repeat("\x01", 400), 1<<39)
	f.Fuzz(func(t *testing.T, message, path string, n int) {
		full := drift("~/" + path)
		full.Message, full.Unread, full.UnreadPath = message, 1+max(0, n)%maxCount, path
		full.Counts = &Counts{Added: maxCount, Removed: maxCount, Changed: maxCount, Total: maxCount}
		full.AIDE, full.Node, full.Report = strings.Repeat("1", 40), strings.Repeat("2", 40), strings.Repeat("3", 40)
		for _, l := range []Line{Failure(Internal, message), {Status: Drift, Counts: &Counts{Changed: max(1, n%1000)}, Paths: []string{"~/" + path}}, full} {
			b, err := l.Encode()
			require.NoError(t, err)
			require.LessOrEqual(t, len(b), MaxBytes)
			got, err := Parse(b)
			if err != nil {
				t.Errorf("Parse(%s): %v", b, err)
			}
			if n := quoted(got.UnreadPath); n > maxUnreadPath {
				t.Errorf("unread_path takes %d bytes", n)
			}
			if n := quoted(got.UnreadPath) + quoted(got.Message); n > maxText {
				t.Errorf("message and unread_path take %d bytes", n)
			}
		}
	})
}
