package cloudwatch

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

// TestRequests holds the wire: what is sent byte for byte, and what is
// answered.
func TestRequests(t *testing.T) {
	const (
		target = "X-Amz-Target: GraniteServiceVersion20100801."
		asJSON = "Content-Type: application/x-amz-json-1.0"
		asCBOR = "Content-Type: application/cbor"
		rpc    = "Smithy-Protocol: rpc-v2-cbor"
		path   = "/service/GraniteServiceVersion20100801/operation/"
		list   = "\xa1\x67Metrics\x80" // {"Metrics": []}
		putOne = `{"Namespace":"AIDE","MetricData":[{"MetricName":"added","Value":1,"Timestamp":1795406400,"Unit":null}]}`
		iso    = `{"Namespace":"AIDE","MetricData":[{"MetricName":"added","Value":1e0,"Timestamp":"2026-11-23T04:00:00Z"}]}`
		form   = "Action=PutMetricData&Version=2010-08-01&Namespace=A+b&MetricData.member.1.MetricName=a%20b&MetricData.member.1.Value=1e2"
	)
	tests := []struct {
		name    string
		method  string
		target  string
		headers []string
		body    string
		status  int
		want    string // a part of the answer
	}{
		{"json", "POST", "/", []string{target + "PutMetricData", asJSON}, putOne, 200, "{}"},
		{"json with a date", "POST", "/", []string{target + "PutMetricData", asJSON + "; charset=utf-8"}, iso, 200, "{}"},
		{"json in gzip", "POST", "/", []string{target + "PutMetricData", asJSON, "Content-Encoding: gzip"}, zipped(putOne), 200, "{}"},
		{"json without a body", "POST", "/", []string{target + "ListMetrics"}, "", 200, `{"Metrics":[]}`},
		{"json of another type", "POST", "/", []string{target + "ListMetrics", "Content-Type: application/json"}, "{}", 400, `"__type":"SerializationException"`},
		{"json cut short", "POST", "/", []string{target + "ListMetrics", asJSON}, "{", 400, "SerializationException"},
		{"json that is a list", "POST", "/", []string{target + "ListMetrics", asJSON}, "[]", 400, "SerializationException"},
		{"json with a tail", "POST", "/", []string{target + "ListMetrics", asJSON}, "{}{}", 400, "SerializationException"},
		{"json of another service", "POST", "/", []string{"X-Amz-Target: AmazonSSM.ListCommands", asJSON}, "{}", 400, "UnknownOperationException"},
		{"json as a GET", "GET", "/", []string{target + "ListMetrics"}, "", 400, "UnknownOperationException"},
		{"json with null in a list", "POST", "/", []string{target + "PutMetricData", asJSON}, `{"Namespace":"AIDE","MetricData":[null]}`, 400, "MetricData.member.1 is not a structure"},
		{"json error", "POST", "/", []string{target + "PutMetricData", asJSON}, `{}`, 400,
			`{"__type":"com.amazonaws.cloudwatch#MissingRequiredParameterException","message":"The parameter Namespace is required."}`},

		{"cbor", "POST", path + "ListMetrics", []string{rpc, asCBOR}, "\xa0", 200, list},
		{"cbor of unknown length", "POST", path + "ListMetrics", []string{rpc, asCBOR}, "\xbf\xff", 200, list},
		{"cbor with null", "POST", path + "ListMetrics", []string{rpc, asCBOR}, "\xa1\x69NextToken\xf6", 200, list},
		{"cbor in gzip", "POST", path + "ListMetrics", []string{rpc, asCBOR, "Content-Encoding: gzip"}, zipped("\xa0"), 200, list},
		{"cbor without a body", "POST", path + "ListMetrics", []string{rpc}, "", 200, list},
		{"cbor of another type", "POST", path + "ListMetrics", []string{rpc, asJSON}, "\xa0", 400, "SerializationException"},
		{"cbor of another version", "POST", path + "ListMetrics", []string{"Smithy-Protocol: rpc-v3-cbor", asCBOR}, "\xa0", 400, "SerializationException"},
		{"cbor without its header", "POST", path + "ListMetrics", []string{asCBOR}, "\xa0", 400, "SerializationException"},
		{"cbor elsewhere", "POST", "/service/Other/operation/ListMetrics", []string{rpc, asCBOR}, "\xa0", 400, "UnknownOperationException"},
		{"cbor as a PUT", "PUT", path + "ListMetrics", []string{rpc, asCBOR}, "\xa0", 400, "UnknownOperationException"},
		{"cbor cut short", "POST", path + "ListMetrics", []string{rpc, asCBOR}, "\xa1", 400, "SerializationException"},
		{"cbor that is a list", "POST", path + "ListMetrics", []string{rpc, asCBOR}, "\x80", 400, "SerializationException"},
		{"cbor text that is not UTF-8", "POST", path + "ListMetrics", []string{rpc, asCBOR}, "\xa1\x69NextToken\x61\xff", 400, "SerializationException"},
		{"cbor bytes", "POST", path + "ListMetrics", []string{rpc, asCBOR}, "\xa1\x69NextToken\x41a", 400, "SerializationException"},
		{"cbor with an unknown tag", "POST", path + "ListMetrics", []string{rpc, asCBOR}, "\xa1\x69NextToken\xc2\x01", 400, "SerializationException"},

		{"query", "POST", "/", nil, form, 200, `<PutMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><ResponseMetadata><RequestId>`},
		{"query in gzip", "POST", "/", []string{"Content-Encoding: gzip"}, zipped(form), 200, "<PutMetricDataResponse"},
		{"query as a GET", "GET", "/?Action=ListMetrics&Version=2010-08-01", nil, "", 200, "<ListMetricsResult><Metrics></Metrics></ListMetricsResult>"},
		{"query without action", "POST", "/", nil, "Version=2010-08-01", 400, "<Code>MissingAction</Code>"},
		{"query of another version", "POST", "/", nil, "Action=ListMetrics&Version=2009-05-15", 400, "<Code>InvalidAction</Code>"},
		{"query of an unknown action", "POST", "/", nil, "Action=%3Cb%3E&Version=2010-08-01", 400, "operation &#34;&lt;b&gt;&#34;"},
		{"query with a broken escape", "POST", "/", nil, "Action=%ZZ", 400, "<Code>MalformedInput</Code>"},
		{"query with a broken key", "POST", "/", nil, "%ZZ=a", 400, "<Code>MalformedInput</Code>"},
		{"query with a deep key", "POST", "/", nil, strings.Repeat("a.", 20) + "a=1", 400, "more than 16 parts"},
		{"query with a value and members", "POST", "/", nil, "Action=ListMetrics&Version=2010-08-01&A=1&A.B=2", 400, "has members too"},
		{"query with the element 0", "POST", "/", nil, "Action=ListMetrics&Version=2010-08-01&A.member.0=1", 400, "no number"},
		{"query with an element by name", "POST", "/", nil, "Action=ListMetrics&Version=2010-08-01&A.member.x=1", 400, "no number"},
		{"query with the element 01", "POST", "/", nil, "Action=ListMetrics&Version=2010-08-01&A.member.01=1", 400, "no number"},
		{"query with a list and a value", "POST", "/", nil, "Action=ListMetrics&Version=2010-08-01&A.member=1&A.member.1=1", 400, "has no number"},

		{"not gzip", "POST", "/", []string{"Content-Encoding: gzip"}, form, 400, "not gzip"},
		{"gzip cut short", "POST", "/", []string{"Content-Encoding: gzip"}, zipped(form)[:40], 400, "cannot be read"},
		{"another encoding", "POST", "/", []string{"Content-Encoding: br"}, form, 400, "not supported"},
		{"too large", "POST", "/", nil, strings.Repeat("&", maxBody+1), 413, "RequestEntityTooLarge"},
		{"too large inside", "POST", "/", []string{"Content-Encoding: gzip"}, zipped(strings.Repeat("&", maxBody+1)), 413, "RequestEntityTooLarge"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.target, strings.NewReader(tt.body))
			for _, h := range tt.headers {
				name, value, _ := strings.Cut(h, ": ")
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			newTestService().ServeHTTP(w, r)
			assert.Equal(t, tt.status, w.Code, "HTTP %d %q", w.Code, w.Body)
			assert.Contains(t, w.Body.String(), tt.want)
		})
	}
}

// TestManyMetrics writes and reads at once, so that the race detector sees it,
// as many metrics as a fleet of 50,000 hosts has.
func TestManyMetrics(t *testing.T) {
	const writers, calls = 10, 15
	s := newTestService()
	var work sync.WaitGroup
	for w := range writers {
		work.Go(func() {
			for c := range calls {
				var datums []any
				for i := range maxDatums {
					datums = append(datums, with(good, "Dimensions", []any{dim("Instance", fmt.Sprintf("web-%d-%d-%d", w, c, i))}))
				}
				if got := clients[0].call(t, s, "PutMetricData", put(datums...)); got.status != http.StatusOK {
					t.Errorf("%s: %s", got.code, got.message)
				}
				one := statisticsOf("added", "05:00:00", "05:01:00", 60, "Dimensions", []any{dim("Instance", fmt.Sprintf("web-%d-%d-999", w, c))})
				out := clients[0].call(t, s, "GetMetricStatistics", one).output.(map[string]any)
				if got := datapoints(out["Datapoints"]); got != "05:00:00 Sum=1 None" {
					t.Errorf("read %q right after the write", got)
				}
			}
		})
	}
	work.Wait()
	if n := len(s.store.order); n != writers*calls*maxDatums {
		t.Errorf("%d metrics, want %d", n, writers*calls*maxDatums)
	}
}
