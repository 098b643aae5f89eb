package result

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// TestEncodeBytes holds the form of the line: the order of its members, and what is
// left out.
func TestEncodeBytes(t *testing.T) {
	at := time.Date(2026, 11, 23, 6, 0, 0, 999, time.FixedZone("CET", 3600))
	for name, tc := range map[string]struct {
		line Line
		want string
	}{
		"all": {
			Line{
				Status: Drift, Message: "a <b> & \"c\"", Counts: &Counts{Added: 1, Changed: 1, Total: 9}, Fingerprint: digest[:32], AIDE: "0.18.6", Node: "0.1.0",
				Started: at, Seconds: 12.34, Report: "20261123T050000Z", Baseline: &Baseline{SHA256: digest, Created: at}, Config: digest,
				Paths: []string{"+/a\u2028\x7f\u0085\t<>&", "~/\xff"},
			},
			`{"v":1,"status":"drift","message":"a <b> & \"c\"","added":1,"removed":0,"changed":1,"total":9,"fingerprint":"` + digest[:32] + `","aide":"0.18.6","node":"0.1.0",` +
				`"started":"2026-11-23T05:00:00Z","seconds":12.3,"report":"20261123T050000Z","baseline":{"sha256":"` + digest + `","created":"2026-11-23T05:00:00Z"},"config":"` + digest + `",` +
				`"paths":["+/a\u2028\u007f\u0085\t<>&","~/\\377"]}`,
		},
		"failed":  {Failure(Busy, "x"), `{"v":1,"status":"failed","reason":"busy","message":"x"}`},
		"nothing": {Line{Status: Clean, Counts: &Counts{}}, `{"v":1,"status":"clean","added":0,"removed":0,"changed":0}`},
	} {
		got, err := tc.line.Encode()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if string(got) != tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, tc.want)
		}
	}
	if line, err := (Line{Status: Clean, Counts: &Counts{}, Seconds: math.NaN()}).Encode(); err == nil {
		t.Errorf("%s: want an error", line)
	}
}

func TestMarshalLines(t *testing.T) {
	got, err := MarshalLines(struct {
		A string   `json:"a"`
		B []string `json:"b"`
	}{"x\u0085\n", nil})
	if err != nil {
		t.Fatal(err)
	}
	if want := "{\n \"a\": \"x\\u0085\\n\",\n \"b\": null\n}\n"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzMarshal: whatever a text is, its JSON is valid UTF-8 without control characters.
func FuzzMarshal(f *testing.F) {
	f.Add("a\x00\x7f\u0085\u2028\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(got) {
			t.Errorf("%q is no UTF-8", got)
		}
		if strings.ContainsFunc(string(got), unicode.IsControl) {
			t.Errorf("%q has control characters", got)
		}
	})
}
