package cloudwatch

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/stretchr/testify/assert"
)

// testNow is a whole minute and a whole hour.
var testNow = time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)

// newTestService returns a service whose clock stands still.
func newTestService() *Service {
	s := New("us-east-1", "123456789012")
	s.now = func() time.Time { return testNow }
	return s
}

// input is written by every test client in its own way; it may hold string,
// float64, bool, time.Time, input and []any.
type input map[string]any

// answer is what came back, in a form that does not depend on the protocol:
// numbers and times as text, an empty list as an empty text.
type answer struct {
	status  int
	code    string
	message string
	output  any
}

// client makes the request of a protocol and reads its answer.
type client struct {
	name    string
	request func(t *testing.T, operation string, in input) *http.Request
	read    func(t *testing.T, w *httptest.ResponseRecorder) answer
}

var clients = []client{
	{"cbor", cborRequest, readCBOR},
	{"json", jsonRequest, readJSON},
	{"query", queryRequest, readXML},
}

func (c client) call(t *testing.T, h http.Handler, operation string, in input) answer {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, c.request(t, operation, in))
	if id := w.Header().Get("x-amzn-RequestId"); len(id) != 36 {
		t.Errorf("%s %s: request id %q", c.name, operation, id)
	}
	return c.read(t, w)
}

func cborRequest(_ *testing.T, operation string, in input) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/service/"+serviceName+"/operation/"+operation, bytes.NewReader(cbor.Encode(inputCBOR(in))))
	r.Header.Set("smithy-protocol", "rpc-v2-cbor")
	r.Header.Set("Content-Type", "application/cbor")
	return r
}

func inputCBOR(v any) cbor.Value {
	switch v := v.(type) {
	case input:
		m := cbor.Map{}
		for name, item := range v {
			m[name] = inputCBOR(item)
		}
		return m
	case []any:
		l := cbor.List{}
		for _, item := range v {
			l = append(l, inputCBOR(item))
		}
		return l
	case bool:
		return cbor.Bool(v)
	case float64:
		if v == float64(uint64(v)) && v >= 0 && v < 1<<53 { // as the SDK writes integers
			return cbor.Uint(v)
		}
		return cbor.Float64(v)
	default:
		return toCBOR(v)
	}
}

func jsonRequest(t *testing.T, operation string, in input) *http.Request {
	body, err := json.Marshal(inputJSON(in))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", serviceName+"."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	return r
}

func inputJSON(v any) any {
	switch v := v.(type) {
	case input:
		m := map[string]any{}
		for name, item := range v {
			m[name] = inputJSON(item)
		}
		return m
	case []any:
		l := []any{}
		for _, item := range v {
			l = append(l, inputJSON(item))
		}
		return l
	case bool:
		return v
	default:
		return toJSON(v)
	}
}

func queryRequest(_ *testing.T, operation string, in input) *http.Request {
	form := url.Values{"Action": {operation}, "Version": {apiVersion}}
	inputForm(form, "", in)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return r
}

func inputForm(form url.Values, path string, v any) {
	switch v := v.(type) {
	case input:
		for name, item := range v {
			inputForm(form, strings.TrimPrefix(path+"."+name, "."), item)
		}
	case []any:
		if len(v) == 0 {
			form.Set(path, "")
		}
		for i, item := range v {
			inputForm(form, member(path, i), item)
		}
	case float64:
		form.Set(path, formatNumber(v))
	case time.Time:
		form.Set(path, v.UTC().Format(time.RFC3339Nano))
	default:
		form.Set(path, fmt.Sprint(v))
	}
}

func readCBOR(t *testing.T, w *httptest.ResponseRecorder) answer {
	t.Helper()
	if p := w.Header().Get("smithy-protocol"); p != "rpc-v2-cbor" {
		t.Errorf("smithy-protocol %q", p)
	}
	if w.Body.Len() == 0 {
		if ct := w.Header().Get("Content-Type"); ct != "" {
			t.Errorf("an empty answer has the type %q", ct)
		}
		return answer{status: w.Code, output: map[string]any{}}
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/cbor" {
		t.Errorf("content type %q", ct)
	}
	v, err := cbor.Decode(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	tree, err := fromCBOR(v)
	if err != nil {
		t.Fatal(err)
	}
	return readTree(t, w, tree)
}

func readJSON(t *testing.T, w *httptest.ResponseRecorder) answer {
	t.Helper()
	var v any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v: %q", err, w.Body)
	}
	return readTree(t, w, fromJSON(v))
}

func readTree(t *testing.T, w *httptest.ResponseRecorder, tree any) answer {
	t.Helper()
	a := answer{status: w.Code, output: neutral(tree, false)}
	if a.status == http.StatusOK {
		return a
	}
	m := a.output.(map[string]any)
	var party string
	a.code, party, _ = strings.Cut(w.Header().Get("x-amzn-query-error"), ";")
	a.message = m["message"].(string)
	a.output = nil
	shape := m["__type"].(string)
	want := (&fault{code: a.code}).shape()
	assert.Equal(t, want, shape, "__type %s and party %s beside the code %s", shape, party, a.code)
	assert.Equal(t, "Sender", party)
	return a
}

// neutral turns numbers into times where their names say so: JSON does not.
func neutral(v any, isTime bool) any {
	switch v := v.(type) {
	case structure:
		m := map[string]any{}
		for name, item := range v {
			m[name] = neutral(item, strings.HasPrefix(name, "Timestamp"))
		}
		return m
	case list:
		if len(v) == 0 {
			return ""
		}
		l := []any{}
		for _, item := range v {
			l = append(l, neutral(item, isTime))
		}
		return l
	case float64:
		if isTime {
			return time.UnixMilli(int64(v * 1000)).UTC().Format(time.RFC3339)
		}
		return formatNumber(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	default:
		return v
	}
}

// element is any element of XML.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

func (e element) neutral() any {
	switch {
	case len(e.Children) == 0:
		return e.Text
	case e.Children[0].XMLName.Local == "member":
		l := []any{}
		for _, c := range e.Children {
			l = append(l, c.neutral())
		}
		return l
	}
	m := map[string]any{}
	for _, c := range e.Children {
		if c.XMLName.Local == "entry" {
			m[c.Children[0].Text] = c.Children[1].neutral()
		} else {
			m[c.XMLName.Local] = c.neutral()
		}
	}
	return m
}

func readXML(t *testing.T, w *httptest.ResponseRecorder) answer {
	t.Helper()
	var root element
	if err := xml.Unmarshal(w.Body.Bytes(), &root); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if root.XMLName.Space != xmlNamespace {
		t.Errorf("namespace %q", root.XMLName.Space)
	}
	a := answer{status: w.Code}
	m := root.neutral().(map[string]any)
	id := m["RequestId"]
	if a.status == http.StatusOK {
		operation := strings.TrimSuffix(root.XMLName.Local, "Response")
		id = m["ResponseMetadata"].(map[string]any)["RequestId"]
		a.output = m[operation+"Result"]
		if a.output == nil {
			a.output = map[string]any{}
		}
	} else {
		e := m["Error"].(map[string]any)
		a.code, a.message = e["Code"].(string), e["Message"].(string)
		if e["Type"] != "Sender" {
			t.Errorf("error type %q", e["Type"])
		}
	}
	if id != w.Header().Get("x-amzn-RequestId") {
		t.Errorf("request id %q in the body, %q in the header", id, w.Header().Get("x-amzn-RequestId"))
	}
	return a
}
