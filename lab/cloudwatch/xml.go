package cloudwatch

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// queryProtocol is AWS Query: a form, answered in XML
// (https://smithy.io/2.0/aws/protocols/aws-query-protocol.html).
type queryProtocol struct{}

const (
	apiVersion   = "2010-08-01"
	xmlNamespace = "http://monitoring.amazonaws.com/doc/2010-08-01/"
	// maxDepth bounds the parts of a form key; the deepest that an operation
	// reads has nine.
	maxDepth = 16
)

// decode reads the URL too: an old client may send its call as a GET. The form
// is split here, and not by net/url, which takes 10,000 parameters at most; a
// thousand datums can have more.
func (queryProtocol) decode(r *http.Request, body []byte) (string, structure, error) {
	var root formNode
	for _, form := range []string{r.URL.RawQuery, string(body)} {
		for pair := range strings.SplitSeq(form, "&") {
			if pair == "" {
				continue
			}
			if err := root.add(pair); err != nil {
				return "", nil, err
			}
		}
	}
	name, version := root.scalar("Action"), root.scalar("Version")
	switch {
	case name == "":
		return "", nil, refuse("MissingAction", "The request has no Action.")
	case version != apiVersion:
		return "", nil, unknownOperation(name + " of version " + version)
	}
	input, err := root.structure()
	return name, input, err
}

// formNode is one part of the keys of a form: "A.member.1.B=x" is four of them
// below the root, the last with a value.
type formNode struct {
	value    *literal
	children map[string]*formNode
}

func (n *formNode) add(pair string) error {
	key, value, _ := strings.Cut(pair, "=")
	key, err := url.QueryUnescape(key)
	if err != nil {
		return malformed("The key %.100q is not a form's: %v.", key, err)
	}
	if value, err = url.QueryUnescape(value); err != nil {
		return malformed("The value of %.100q is not a form's: %v.", key, err)
	}
	parts := strings.SplitN(key, ".", maxDepth+1)
	if len(parts) > maxDepth {
		return malformed("The key %.100q has more than %d parts.", key, maxDepth)
	}
	for _, part := range parts {
		if n.children == nil {
			n.children = map[string]*formNode{}
		}
		next := n.children[part]
		if next == nil {
			next = &formNode{}
			n.children[part] = next
		}
		n = next
	}
	n.value = new(literal)
	*n.value = literal(value)
	return nil
}

func (n *formNode) scalar(name string) string {
	if c := n.children[name]; c != nil && c.value != nil {
		return string(*c.value)
	}
	return ""
}

func (n *formNode) structure() (structure, error) {
	s := make(structure, len(n.children))
	for name, c := range n.children {
		v, err := c.tree()
		if err != nil {
			return nil, err
		}
		s[name] = v
	}
	return s, nil
}

func (n *formNode) tree() (any, error) {
	switch members := n.children["member"]; {
	case n.value != nil && len(n.children) > 0:
		return nil, malformed("The value %.100q has members too.", string(*n.value))
	case n.value != nil:
		return *n.value, nil
	case len(n.children) == 1 && members != nil:
		return members.list()
	default:
		return n.structure()
	}
}

// list orders by number what a form has in any order; a gap is no element.
func (n *formNode) list() (list, error) {
	numbers := make([]int, 0, len(n.children))
	for name := range n.children {
		i, err := strconv.Atoi(name)
		if err != nil || i < 1 || strconv.Itoa(i) != name {
			return nil, malformed("The element %.100q of a list has no number from 1 on.", name)
		}
		numbers = append(numbers, i)
	}
	if n.value != nil {
		return nil, malformed("The list with the value %.100q has no number.", string(*n.value))
	}
	slices.Sort(numbers)
	l := make(list, 0, len(numbers))
	for _, i := range numbers {
		v, err := n.children[strconv.Itoa(i)].tree()
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	return l, nil
}

// queryCodes are the errors that Query calls otherwise.
var queryCodes = map[string]string{
	codeMalformed:        "MalformedInput",
	codeUnknownOperation: "InvalidAction",
}

func (queryProtocol) encode(h http.Header, operation, requestID string, output object) []byte {
	answer := object{}
	if output != nil {
		answer = append(answer, field{operation + "Result", output})
	}
	answer = append(answer, field{"ResponseMetadata", object{{"RequestId", requestID}}})
	return document(h, operation+"Response", answer)
}

func (queryProtocol) encodeFault(h http.Header, requestID string, f *fault) []byte {
	code, ok := queryCodes[f.code]
	if !ok {
		code = f.code
	}
	return document(h, "ErrorResponse", object{
		{"Error", object{{"Type", f.party()}, {"Code", code}, {"Message", f.message}}},
		{"RequestId", requestID},
	})
}

func document(h http.Header, root string, content object) []byte {
	h.Set("Content-Type", "text/xml")
	var b bytes.Buffer
	fmt.Fprintf(&b, `<%s xmlns="%s">`, root, xmlNamespace)
	writeXML(&b, content)
	fmt.Fprintf(&b, "</%s>\n", root)
	return b.Bytes()
}

func writeXML(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case object:
		for _, f := range v {
			writeElement(b, f.name, f.value)
		}
	case table:
		for _, f := range v {
			writeElement(b, "entry", object{{"key", f.name}, {"value", f.value}})
		}
	case array:
		for _, item := range v {
			writeElement(b, "member", item)
		}
	case string:
		_ = xml.EscapeText(b, []byte(v)) // a buffer takes everything
	case float64:
		b.WriteString(formatNumber(v))
	case int64, bool:
		fmt.Fprint(b, v)
	case time.Time:
		b.WriteString(v.UTC().Format(time.RFC3339))
	default:
		panic(fmt.Sprintf("encode %T as XML: not a type of an output", v))
	}
}

func writeElement(b *bytes.Buffer, name string, v any) {
	b.WriteString("<" + name + ">")
	writeXML(b, v)
	b.WriteString("</" + name + ">")
}

// formatNumber writes what is not finite as the protocols do.
func formatNumber(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
