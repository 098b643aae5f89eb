package result

import (
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Object writes a JSON object member by member, in the order of the calls. It
// is valid UTF-8 without control characters: JSON itself allows some in strings.
// Package encoding/json would be a tenth of aide-node, for a few flat objects.
type Object struct {
	text  []byte
	lines bool
}

// Lines is an object with one member a line.
func Lines() *Object { return &Object{lines: true} }

// Text writes a member that is a string.
func (o *Object) Text(name, value string) *Object { return o.member(name, Quote(value)) }

// Number writes a member that is a number.
func (o *Object) Number(name string, value int) *Object {
	return o.member(name, strconv.AppendInt(nil, int64(value), 10))
}

// Decimal writes a member that is a number with a fraction.
func (o *Object) Decimal(name string, value float64) *Object {
	return o.member(name, strconv.AppendFloat(nil, value, 'f', -1, 64))
}

// Texts writes a member that is an array of strings.
func (o *Object) Texts(name string, values []string) *Object {
	var items [][]byte
	for _, v := range values {
		items = append(items, Quote(v))
	}
	return o.member(name, array(items))
}

// Object writes a member that is an object.
func (o *Object) Object(name string, value *Object) *Object { return o.member(name, value.Bytes()) }

// Objects writes a member that is an array of objects.
func (o *Object) Objects(name string, values []*Object) *Object {
	var items [][]byte
	for _, v := range values {
		items = append(items, v.Bytes())
	}
	return o.member(name, array(items))
}

// Bytes is the object as it is so far.
func (o *Object) Bytes() []byte {
	switch {
	case len(o.text) == 0:
		return []byte("{}")
	case o.lines:
		return append(append([]byte("{\n "), o.text...), "\n}"...)
	}
	return append(append([]byte("{"), o.text...), '}')
}

func (o *Object) member(name string, value []byte) *Object {
	separator, colon := ",", ":"
	if o.lines {
		separator, colon = ",\n ", ": "
	}
	if len(o.text) > 0 {
		o.text = append(o.text, separator...)
	}
	o.text = append(append(append(o.text, Quote(name)...), colon...), value...)
	return o
}

func array(items [][]byte) []byte {
	out := []byte{'['}
	for i, item := range items {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, item...)
	}
	return append(out, ']')
}

// short are the characters that have an escape of one letter.
var short = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

// Quote writes a string as JSON. A byte that is not part of valid UTF-8 becomes
// the replacement character.
func Quote(s string) []byte {
	out := []byte{'"'}
	for _, r := range s {
		switch {
		case short[r] != "":
			out = append(out, short[r]...)
		case unicode.IsControl(r), r == '\u2028', r == '\u2029': // those two end lines in JavaScript
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}
