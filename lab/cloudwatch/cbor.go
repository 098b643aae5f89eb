package cloudwatch

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/smithy-go/encoding/cbor"
)

// cborProtocol is Smithy RPC-v2 CBOR
// (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html).
type cborProtocol struct{}

const (
	cborName = "rpc-v2-cbor"
	cborType = "application/cbor"
	// epochTag marks a timestamp in seconds since 1970 (RFC 8949, 3.4.2).
	epochTag = 1
)

func (cborProtocol) decode(r *http.Request, body []byte) (string, structure, error) {
	if p := r.Header.Get("Smithy-Protocol"); p != cborName {
		return "", nil, malformed("The header smithy-protocol is %.100q, not %s.", p, cborName)
	}
	service, name, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/service/"), "/operation/")
	if !ok || service != serviceName || r.Method != http.MethodPost {
		return "", nil, unknownOperation(r.URL.Path)
	}
	if len(body) == 0 {
		return name, nil, nil
	}
	if t := r.Header.Get("Content-Type"); t != cborType {
		return "", nil, malformed("The content type is %.100q, not %s.", t, cborType)
	}
	v, err := cbor.Decode(body)
	if err != nil {
		return "", nil, malformed("The body is not CBOR: %v.", err)
	}
	m, ok := v.(cbor.Map)
	if !ok {
		return "", nil, malformed("The body is not a CBOR map.")
	}
	input, err := cborStructure(m)
	return name, input, err
}

func cborStructure(m cbor.Map) (structure, error) {
	s := make(structure, len(m))
	for name, item := range m {
		v, err := fromCBOR(item)
		if err != nil {
			return nil, err
		}
		if v != nil {
			s[name] = v
		}
	}
	return s, nil
}

// fromCBOR returns nil for null. The decoder has bounded the depth.
func fromCBOR(v cbor.Value) (any, error) {
	switch v := v.(type) {
	case *cbor.Nil, *cbor.Undefined:
		return nil, nil
	case cbor.Bool:
		return bool(v), nil
	case cbor.String:
		if !utf8.ValidString(string(v)) {
			return nil, malformed("The text %.100q is not UTF-8.", string(v))
		}
		return string(v), nil
	case cbor.Map:
		return cborStructure(v)
	case cbor.List:
		l := make(list, len(v))
		for i, item := range v {
			var err error
			if l[i], err = fromCBOR(item); err != nil {
				return nil, err
			}
		}
		return l, nil
	case *cbor.Tag:
		return cborTime(v)
	default:
		return cborNumber(v)
	}
}

func cborTime(tag *cbor.Tag) (any, error) {
	n, err := cborNumber(tag.Value)
	if err != nil {
		return nil, err
	}
	t, ok := epoch(n)
	if tag.ID != epochTag || !ok {
		return nil, malformed("The tag %d of %v is not a timestamp.", tag.ID, n)
	}
	return t, nil
}

func cborNumber(v cbor.Value) (float64, error) {
	switch v := v.(type) {
	case cbor.Uint:
		return float64(v), nil
	case cbor.NegInt:
		if v == 0 { // the decoder's -2^64
			return -(1 << 64), nil
		}
		return -float64(v), nil
	case cbor.Float32:
		return float64(v), nil
	case cbor.Float64:
		return float64(v), nil
	}
	return 0, malformed("A value of type %T has no meaning here.", v)
}

// encode leaves the body of an operation without output empty, and thus
// without a type.
func (cborProtocol) encode(h http.Header, _, _ string, output object) []byte {
	h.Set("Smithy-Protocol", cborName)
	if output == nil {
		return nil
	}
	h.Set("Content-Type", cborType)
	return cbor.Encode(toCBOR(output))
}

func (cborProtocol) encodeFault(h http.Header, _ string, f *fault) []byte {
	h.Set("Smithy-Protocol", cborName)
	h.Set("Content-Type", cborType)
	h.Set("X-Amzn-Query-Error", f.queryError())
	return cbor.Encode(cbor.Map{"__type": cbor.String(f.shape()), "message": cbor.String(f.message)})
}

func toCBOR(v any) cbor.Value {
	switch v := v.(type) {
	case object:
		return cborMap(v)
	case table:
		return cborMap(v)
	case array:
		l := make(cbor.List, len(v))
		for i, item := range v {
			l[i] = toCBOR(item)
		}
		return l
	case string:
		return cbor.String(v)
	case float64:
		return cbor.Float64(v)
	case int64:
		return cbor.Uint(v) // no output is negative
	case bool:
		return cbor.Bool(v)
	case time.Time:
		return &cbor.Tag{ID: epochTag, Value: cbor.Float64(seconds(v))}
	default:
		panic(fmt.Sprintf("encode %T as CBOR: not a type of an output", v))
	}
}

func cborMap(fields []field) cbor.Map {
	m := make(cbor.Map, len(fields))
	for _, f := range fields {
		m[f.name] = toCBOR(f.value)
	}
	return m
}
