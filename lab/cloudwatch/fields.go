package cloudwatch

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// An input is a tree of these and of string, float64, bool and time.Time. What
// is absent or null is not in the tree.
type (
	structure map[string]any
	list      []any
	// literal is a scalar of the Query protocol: only the reader of the member
	// knows its type.
	literal string
)

// fields reads the members of one structure of an input. The first member that
// has the wrong type is remembered for all fields of the input, and read as
// absent: a reader reads all it needs and then asks for err once.
type fields struct {
	path    string // of the structure, with its dot: "MetricData.member.1."
	members structure
	first   *error
}

func newFields(s structure) fields { return fields{members: s, first: new(error)} }

// err is the first error in the whole input.
func (f fields) err() error { return *f.first }

func (f fields) fail(name, want string) {
	if *f.first == nil {
		*f.first = malformed("The parameter %s%s is not %s.", f.path, name, want)
	}
}

// read returns a member converted, or nil where it is absent.
func read[T any](f fields, name, want string, convert func(any) (T, bool)) *T {
	v, ok := f.members[name]
	if !ok {
		return nil
	}
	t, ok := convert(v)
	if !ok {
		f.fail(name, want)
		return nil
	}
	return &t
}

func (f fields) text(name string) *string      { return read(f, name, "a string", asText) }
func (f fields) number(name string) *float64   { return read(f, name, "a number", asNumber) }
func (f fields) integer(name string) *int64    { return read(f, name, "an integer", asInteger) }
func (f fields) boolean(name string) *bool     { return read(f, name, "a boolean", asBoolean) }
func (f fields) time(name string) *time.Time   { return read(f, name, "a timestamp", asTime) }
func (f fields) texts(name string) []string    { return readList(f, name, "a string", asText) }
func (f fields) numbers(name string) []float64 { return readList(f, name, "a number", asNumber) }
func (f fields) has(name string) bool          { _, ok := f.members[name]; return ok }
func (f fields) structure(name string) *fields { return f.child(name, f.members[name]) }
func (f fields) structures(name string) []fields {
	items := f.items(name)
	all := make([]fields, 0, len(items))
	for i, item := range items {
		if c := f.child(member(name, i), item); c != nil {
			all = append(all, *c)
		} else {
			f.fail(member(name, i), "a structure") // a null; other types have failed already
		}
	}
	return all
}

// member is the name of an element of a list, as the service's messages have it.
func member(name string, i int) string { return fmt.Sprintf("%s.member.%d", name, i+1) }

func (f fields) child(name string, v any) *fields {
	switch v := v.(type) {
	case nil:
		return nil
	case structure:
		return &fields{f.path + name + ".", v, f.first}
	default:
		f.fail(name, "a structure")
		return nil
	}
}

func (f fields) items(name string) list {
	switch v := f.members[name].(type) {
	case nil:
		return nil
	case list:
		return v
	case literal:
		if v == "" { // an empty list in the Query protocol
			return nil
		}
	}
	f.fail(name, "a list")
	return nil
}

func readList[T any](f fields, name, want string, convert func(any) (T, bool)) []T {
	items := f.items(name)
	all := make([]T, 0, len(items))
	for i, item := range items {
		t, ok := convert(item)
		if !ok {
			f.fail(member(name, i), want)
			return nil
		}
		all = append(all, t)
	}
	return all
}

func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case literal:
		return string(v), true
	}
	return "", false
}

// asNumber also reads the strings by which JSON and Query write what is not
// finite; that such a value is refused is for the operation to say.
func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		switch v {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		}
	case literal:
		n, err := strconv.ParseFloat(string(v), 64)
		// A number out of range is read as infinite.
		return n, err == nil || math.IsInf(n, 0)
	}
	return 0, false
}

func asInteger(v any) (int64, bool) {
	n, ok := asNumber(v)
	if !ok || n != math.Trunc(n) || math.Abs(n) > math.MaxInt32 {
		return 0, false
	}
	return int64(n), true
}

func asBoolean(v any) (bool, bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case literal:
		return v == "true", v == "true" || v == "false"
	}
	return false, false
}

// asTime reads a CBOR timestamp, a JSON number of seconds since 1970, or a
// date in ISO 8601. Only years of four digits are times.
func asTime(v any) (time.Time, bool) {
	var t time.Time
	switch v := v.(type) {
	case time.Time:
		t = v
	case float64:
		var ok bool
		if t, ok = epoch(v); !ok {
			return t, false
		}
	case string:
		return parseTime(v)
	case literal:
		return parseTime(string(v))
	default:
		return t, false
	}
	return t.UTC(), t.Year() >= 0 && t.Year() <= 9999
}

// epoch turns seconds since 1970 into a time, to the millisecond.
func epoch(seconds float64) (time.Time, bool) {
	const limit = 1 << 40 // seconds; far beyond the year 9999, far below an overflow
	if math.IsNaN(seconds) || math.Abs(seconds) > limit {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))), true
}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
