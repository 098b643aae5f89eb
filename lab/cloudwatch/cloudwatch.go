// Package cloudwatch is the lab's CloudWatch: PutMetricData, ListMetrics,
// GetMetricStatistics and GetMetricData over the three protocols that clients
// speak today, with the checks and the refusals of the service.
//
// The Go SDK speaks Smithy RPC-v2 CBOR, boto3 AWS JSON 1.0 or CBOR, older command
// lines Query/XML. Each protocol turns a request into the same tree and an
// answer from the same tree, so that an operation is written once. Limits and
// semantics are those of the CloudWatch API reference (PutMetricData, MetricDatum,
// Dimension, ListMetrics, GetMetricStatistics, GetMetricData). Unlike the
// service, the lab shows a point at once and forgets none before it ends.
package cloudwatch

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxBody bounds a request before and after decompression, in bytes
// (PutMetricData: 1 MB).
const maxBody = 1 << 20

// Service is one account's CloudWatch in one region, kept in memory. It is safe
// for concurrent use.
type Service struct {
	region, account string
	store           store
	boards          boards
	now             func() time.Time // a seam for tests
}

// New returns a service that holds no metric yet.
func New(region, account string) *Service {
	return &Service{region: region, account: account, now: time.Now}
}

// operation answers one call. A nil answer is that of an operation without output.
type operation func(*Service, fields) (object, error)

var operations = map[string]operation{
	"PutMetricData":       (*Service).putMetricData,
	"ListMetrics":         (*Service).listMetrics,
	"GetMetricStatistics": (*Service).getMetricStatistics,
	"GetMetricData":       (*Service).getMetricData,
	"PutDashboard":        (*Service).putDashboard,
	"GetDashboard":        (*Service).getDashboard,
	"DeleteDashboards":    (*Service).deleteDashboards,
	"PutMetricAlarm":      (*Service).putMetricAlarm,
	"PutCompositeAlarm":   (*Service).putCompositeAlarm,
	"DescribeAlarms":      (*Service).describeAlarms,
	"DeleteAlarms":        (*Service).deleteAlarms,
}

// protocol is one of the ways to write a call and its answer. The encoders
// return the body and set the headers that belong to it.
type protocol interface {
	decode(r *http.Request, body []byte) (operation string, input structure, err error)
	encode(h http.Header, operation, requestID string, output object) []byte
	encodeFault(h http.Header, requestID string, f *fault) []byte
}

// protocolOf tells the protocols apart the way the service does: by the path
// and header of RPC-v2, then by the header of AWS JSON; what is left is Query.
func protocolOf(r *http.Request) protocol {
	switch {
	case r.Header.Get("Smithy-Protocol") != "" || strings.HasPrefix(r.URL.Path, "/service/"):
		return cborProtocol{}
	case r.Header.Get("X-Amz-Target") != "":
		return jsonProtocol{}
	default:
		return queryProtocol{}
	}
}

// ServeHTTP answers one call. The signature is not looked at here.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, id := protocolOf(r), newRequestID()
	w.Header().Set("X-Amzn-Requestid", id)
	name, output, err := s.call(p, r)
	if err != nil {
		var f *fault
		if !errors.As(err, &f) {
			f = &fault{http.StatusInternalServerError, codeInternal, err.Error()}
		}
		body := p.encodeFault(w.Header(), id, f)
		w.WriteHeader(f.status)
		_, _ = w.Write(body) // a client that left is no error of ours
		return
	}
	if body := p.encode(w.Header(), name, id, output); len(body) > 0 {
		_, _ = w.Write(body)
	}
}

func (s *Service) call(p protocol, r *http.Request) (name string, output object, err error) {
	body, err := readBody(r)
	if err != nil {
		return "", nil, err
	}
	name, input, err := p.decode(r, body)
	if err != nil {
		return "", nil, err
	}
	op, ok := operations[name]
	if !ok {
		return "", nil, unknownOperation(name)
	}
	output, err = op(s, newFields(input))
	return name, output, err
}

// readBody reads the whole body and undoes its compression: the SDKs gzip what
// is over 10 KB.
func readBody(r *http.Request) ([]byte, error) {
	body, err := readAll(r.Body)
	if err != nil {
		return nil, err
	}
	switch encoding := r.Header.Get("Content-Encoding"); strings.ToLower(encoding) {
	case "", "identity":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, malformed("The body is not gzip: %v.", err)
		}
		return readAll(z)
	default:
		return nil, malformed("The content encoding %.100q is not supported.", encoding)
	}
}

func readAll(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	switch {
	case err != nil:
		return nil, malformed("The body cannot be read: %v.", err)
	case len(body) > maxBody:
		return nil, &fault{http.StatusRequestEntityTooLarge, codeTooLarge, fmt.Sprintf("The request is larger than %d bytes.", maxBody)}
	}
	return body, nil
}

// newRequestID makes a random (version 4) UUID.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
