package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/node/result"
)

// TestJSONIsTheEncoders: written a host at a time it is byte for byte what the
// encoder makes of the whole report.
func TestJSONIsTheEncoders(t *testing.T) {
	odd := Report{Fleet: "\n  \"hosts\": []", Commands: []Command{}, Errors: []Error{{Region: "r\u202e", Error: "e"}}}
	odd.SetHosts(append(odd.Hosts, Host{Instance: "i-1", Name: "\n  \"hosts\": []", Status: Missing}, Host{Instance: "i-2\u0085", Status: Clean, Counts: &result.Counts{}}))
	for name, r := range map[string]Report{"sample": sample(), "odd": odd, "no hosts": {Hosts: []Host{}}, "one host": {Hosts: []Host{{}}}} {
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := WriteJSON(&got, r); err != nil {
			t.Fatal(err)
		}
		if got.String() != string(EscapeJSON(want.Bytes())) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got.String(), want.String())
		}
	}
}

// chunks remembers how much was written, and how much at most at once.
type chunks struct{ total, largest int }

func (c *chunks) Write(p []byte) (int, error) {
	c.total, c.largest = c.total+len(p), max(c.largest, len(p))
	return len(p), nil
}

// TestStreams: no form of a large report is held in memory as a whole.
func TestStreams(t *testing.T) {
	r := large(20_000)
	for name, write := range map[string]func(*chunks) error{
		"json": func(c *chunks) error { return WriteJSON(c, r) },
		"csv":  func(c *chunks) error { return WriteCSV(c, r) },
		"rows": func(c *chunks) error { return WriteRows(c, r, nil) },
	} {
		var c chunks
		if err := write(&c); err != nil {
			t.Fatal(err)
		}
		assert.GreaterOrEqual(t, c.total, 500_000, "%s: %d bytes, %d of them at once", name, c.total, c.largest)
		assert.LessOrEqual(t, c.largest, 8<<10, name)
	}
}

// large is a sweep of n hosts of which one in ten is not clean.
func large(n int) Report {
	r := Report{V: Version, Fleet: "env=prod"}
	hosts := make([]Host, n)
	for i := range hosts {
		h := Host{Instance: fmt.Sprintf("i-%017x", i), Name: fmt.Sprintf("web-%d", i), Region: "eu-central-1", Status: Clean, Counts: &result.Counts{Total: 9}}
		switch i % 40 {
		case 0, 1:
			h.Status, h.Counts, h.Paths = Drift, &result.Counts{Changed: 1, Total: 9}, []string{"~/etc/passwd"}
			h.Fingerprint = fmt.Sprintf("%032x", i/80)
		case 2:
			h.Status, h.Counts, h.Reason = Failed, nil, "baseline_missing"
		case 3:
			h.Status, h.Counts, h.Reason = Missing, nil, "stopped"
		}
		hosts[i] = h
	}
	r.SetHosts(append(r.Hosts, hosts...))
	return r
}

// object is a part of a JSON schema.
type object struct {
	Required   []string
	Properties map[string]json.RawMessage
	Defs       map[string]object `json:"$defs"`
}

// TestSchema holds docs/report.schema.json against the types.
func TestSchema(t *testing.T) {
	text, err := os.ReadFile("../../docs/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema, baseline object
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(schema.Defs["host"].Properties["baseline"], &baseline); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name      string
		described object
		is        reflect.Type
	}{
		{"report", schema, reflect.TypeFor[Report]()},
		{"command", schema.Defs["command"], reflect.TypeFor[Command]()},
		{"left", schema.Defs["left"], reflect.TypeFor[Left]()},
		{"error", schema.Defs["error"], reflect.TypeFor[Error]()},
		{"summary", schema.Defs["summary"], reflect.TypeFor[Summary]()},
		{"host", schema.Defs["host"], reflect.TypeFor[Host]()},
		{"baseline", baseline, reflect.TypeFor[result.Baseline]()},
	} {
		var described, fields, always []string
		for name := range tc.described.Properties {
			described = append(described, name)
		}
		for _, f := range reflect.VisibleFields(tc.is) {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || name == "-" {
				continue
			}
			fields = append(fields, name)
			if len(f.Index) == 1 && !strings.HasPrefix(options, "omit") {
				always = append(always, name)
			}
		}
		slices.Sort(described)
		slices.Sort(fields)
		if !slices.Equal(described, fields) {
			t.Errorf("%s: the schema has the properties %v, the type the fields %v", tc.name, described, fields)
		}
		if !slices.Equal(tc.described.Required, always) {
			t.Errorf("%s: the schema requires %v, the type always has %v", tc.name, tc.described.Required, always)
		}
	}
}
