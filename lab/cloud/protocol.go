package cloud

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"aidefleet/lab/s3"
)

// apiError is what a service answers instead of a result.
type apiError struct {
	status  int    // HTTP
	code    string // "InvalidDocument"
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// badRequest is an error of the caller.
func badRequest(code, format string, a ...any) *apiError {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, a...)}
}

// invalid is what a service says of an input that its model does not allow.
func invalid(field, value, constraint string) *apiError {
	return badRequest("ValidationException",
		"1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, field, constraint)
}

// unknownOperation is the error of a service that is asked for what it does not do.
func (q *request) unknownOperation() *apiError {
	switch q.protocol {
	case awsQuery, ec2Query:
		return badRequest("InvalidAction", "The action %s is not valid for this web service.", q.operation)
	}
	return badRequest("UnknownOperationException", "The lab has no operation %s.%s.", q.service, q.operation)
}

// refuse answers with an error, in the shape of the request's protocol.
func (q *request) refuse(w http.ResponseWriter, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{http.StatusInternalServerError, "InternalServerError", err.Error()}
	}
	h := w.Header()
	switch q.protocol {
	case cborRPC:
		h.Set("Smithy-Protocol", "rpc-v2-cbor")
		h.Set("X-Amzn-Errortype", e.code)
		write(w, "application/cbor", e.status, cbor.Encode(cbor.Map{"__type": cbor.String(e.code), "message": cbor.String(e.message)}))
	case restXML:
		s3.Refuse(w, q.r, &s3.Error{Status: e.status, Code: e.code, Message: e.message})
	case ec2Query:
		writeXML(w, e.status, ec2Failure{Errors: []ec2Error{{e.code, e.message}}, RequestID: q.id})
	case awsQuery:
		writeXML(w, e.status, queryFailure{Type: "Sender", Code: e.code, Message: e.message, RequestID: q.id})
	default:
		h.Set("X-Amzn-Errortype", e.code)
		// Errors of the front end are spelled with a small letter, those of a
		// service's own model with a capital one.
		key := "Message"
		if strings.HasSuffix(e.code, "Exception") || e.code == "MissingAuthenticationToken" {
			key = "message"
		}
		writeJSON(w, q.contentType(), e.status, map[string]string{"__type": e.code, key: e.message})
	}
}

// answer writes the result of an operation.
func (q *request) answer(w http.ResponseWriter, result any) {
	switch q.protocol {
	case ec2Query, awsQuery:
		writeXML(w, http.StatusOK, result)
	default:
		writeJSON(w, q.contentType(), http.StatusOK, result)
	}
}

func (q *request) contentType() string {
	if q.protocol == json10 {
		return "application/x-amz-json-1.0"
	}
	return "application/x-amz-json-1.1"
}

// ec2Failure is the error of EC2's dialect of the Query protocol.
type ec2Failure struct {
	XMLName   xml.Name   `xml:"Response"`
	Errors    []ec2Error `xml:"Errors>Error"`
	RequestID string     `xml:"RequestID"`
}

type ec2Error struct{ Code, Message string }

// queryFailure is the error of the Query protocol.
type queryFailure struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain values
	}
	write(w, contentType, status, b)
}

func writeXML(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(v); err != nil {
		panic(err) // plain values
	}
	write(w, "text/xml;charset=UTF-8", status, b.Bytes())
}

func write(w http.ResponseWriter, contentType string, status int, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has left needs no answer
}

// epoch is a date in AWS JSON: seconds since 1970, with milliseconds.
type epoch struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (e epoch) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(e.UnixMilli())/1000, 'f', 3, 64), nil
}

// isoDate is ISO 8601 in UTC with milliseconds.
func isoDate(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
