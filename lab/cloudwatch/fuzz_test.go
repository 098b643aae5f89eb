package cloudwatch

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// fuzz sends what is found to every operation: nothing may panic, and every
// answer must be one that the protocol's client can read.
func fuzz(f *testing.F, c client) {
	seeds := []input{
		{},
		put(good),
		put(with(good, "Value", nil, "Values", numbersOf(2), "Counts", numbersOf(2), "Unit", "Count", "Timestamp", testNow, "StorageResolution", 1.0)),
		put(with(good, "Value", nil, "StatisticValues", input{"SampleCount": 2.0, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0})),
		put(with(good, "Dimensions", []any{dim("Instance", "web-1")})),
		{"Namespace": "AIDE", "Dimensions": []any{dim("Instance", "web-1")}, "NextToken": "1", "IncludeLinkedAccounts": true},
		statisticsOf("added", "04:00:00", "05:00:00", 60),
		statisticsOf("added", "04:00:00", "05:00:00", 60, "Statistics", nil, "ExtendedStatistics", []any{"p50", "p99.9"}),
		dataOf([]any{"MaxDatapoints", 1.0, "ScanBy", "TimestampAscending", "NextToken", "1"}, queryOf("a", "added", "p50", "ReturnData", true)),
	}
	for _, in := range seeds {
		for name := range operations {
			body, err := io.ReadAll(c.request(&testing.T{}, name, in).Body)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(name, body)
		}
	}
	f.Fuzz(func(t *testing.T, operation string, body []byte) {
		if _, ok := operations[operation]; !ok {
			return
		}
		r := c.request(t, operation, input{})
		r.Body = io.NopCloser(bytes.NewReader(body))
		w := httptest.NewRecorder()
		filled(t).ServeHTTP(w, r)
		switch w.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			c.read(t, w)
		default:
			t.Errorf("HTTP %d: %q", w.Code, w.Body)
		}
	})
}

func FuzzCBOR(f *testing.F)  { fuzz(f, clients[0]) }
func FuzzJSON(f *testing.F)  { fuzz(f, clients[1]) }
func FuzzQuery(f *testing.F) { fuzz(f, clients[2]) }

// FuzzParseRank: what is read as a query of Metrics Insights has all its parts.
func FuzzParseRank(f *testing.F) {
	f.Add(`SELECT MAX(WorstChanges) FROM SCHEMA("AIDE", Fleet, Instance) WHERE Fleet = 'env=prod' GROUP BY Instance ORDER BY MAX() DESC LIMIT 20`)
	f.Add(`SELECT MAX(x) FROM SCHEMA("AIDE", A, B) WHERE C = '' GROUP BY A ORDER BY MAX() DESC LIMIT 0`)
	f.Fuzz(func(t *testing.T, text string) {
		r, ok := parseRank(text)
		if !ok {
			return
		}
		require.Positive(t, r.limit)
		require.NotEmpty(t, r.metric)
		require.NotEmpty(t, r.namespace)
		require.NotEmpty(t, r.by)
		require.NotEmpty(t, r.group)
	})
}
