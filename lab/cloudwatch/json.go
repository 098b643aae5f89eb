package cloudwatch

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"
)

// jsonProtocol is AWS JSON 1.0
// (https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html).
type jsonProtocol struct{}

// serviceName is the target prefix in the protocols that have one.
const serviceName = "GraniteServiceVersion20100801"

const jsonType = "application/x-amz-json-1.0"

func (jsonProtocol) decode(r *http.Request, body []byte) (string, structure, error) {
	target := r.Header.Get("X-Amz-Target")
	service, name, _ := strings.Cut(target, ".")
	if service != serviceName || r.Method != http.MethodPost {
		return "", nil, unknownOperation(target)
	}
	if len(body) == 0 {
		return name, nil, nil
	}
	if t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(t) != jsonType {
		return "", nil, malformed("The content type is %.100q, not %s.", t, jsonType)
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return "", nil, malformed("The body is not a JSON object: %v.", err)
	}
	return name, jsonStructure(m), nil
}

func jsonStructure(m map[string]any) structure {
	s := make(structure, len(m))
	for name, v := range m {
		if v != nil {
			s[name] = fromJSON(v)
		}
	}
	return s
}

func fromJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return jsonStructure(v)
	case []any:
		l := make(list, len(v))
		for i, item := range v {
			l[i] = fromJSON(item)
		}
		return l
	default:
		return v // string, float64, bool or nil
	}
}

func (jsonProtocol) encode(h http.Header, _, _ string, output object) []byte {
	h.Set("Content-Type", jsonType)
	return marshal(toJSON(output))
}

func (jsonProtocol) encodeFault(h http.Header, _ string, f *fault) []byte {
	h.Set("Content-Type", jsonType)
	h.Set("X-Amzn-Query-Error", f.queryError())
	return marshal(map[string]any{"__type": f.shape(), "message": f.message})
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // toJSON leaves nothing that JSON cannot write
	}
	return b
}

func toJSON(v any) any {
	switch v := v.(type) {
	case object:
		return jsonMap(v)
	case table:
		return jsonMap(v)
	case array:
		l := make([]any, len(v))
		for i, item := range v {
			l[i] = toJSON(item)
		}
		return l
	case string:
		return v
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return formatNumber(v)
		}
		return v
	case time.Time:
		return seconds(v)
	case int64, bool:
		return v
	default:
		panic(fmt.Sprintf("encode %T as JSON: not a type of an output", v))
	}
}

func jsonMap(fields []field) map[string]any {
	m := make(map[string]any, len(fields))
	for _, f := range fields {
		m[f.name] = toJSON(f.value)
	}
	return m
}
