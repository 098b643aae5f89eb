package e2e

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/lab"
	"aidefleet/orchestrator/report"
)

// killedAt runs the orchestrator, with its ledger in S3, and kills it when it is about to
// write the ledger for the nth time. It returns false if it did not write so often.
func (f *fleet) killedAt(n int64, args ...string) bool {
	f.t.Helper()
	target, err := url.Parse(f.url)
	require.NoError(f.t, err)
	running := make(chan *os.Process, 1)
	var writes atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/"+lab.Bucket+"/") && writes.Add(1) == n {
			_ = (<-running).Kill()
			return
		}
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(w, r)
	}))
	defer proxy.Close()
	cmd := program(append(f.environment(), "AWS_ENDPOINT_URL="+proxy.URL, "ORCHESTRATOR_LEDGER="+bucketLedger), args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	require.NoError(f.t, cmd.Start())
	running <- cmd.Process
	_ = cmd.Wait()
	return writes.Load() >= n
}

// TestKilledBetweenWrites kills an orchestrator between every two writes of a sweep, and of
// an acceptance. The next sweep is right each time.
func TestKilledBetweenWrites(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	at := []string{"--instance", instances["web-1"], "--ledger", bucketLedger}
	sweep := func(exit int) report.Host {
		t.Helper()
		h := f.sweep(exit, append([]string{"sweep"}, at...)...)["web-1"]
		assert.Empty(t, h.Suspect)
		return h
	}
	assert.True(t, sweep(0).FirstSeen)

	writes := int64(0)
	for n := int64(1); f.killedAt(n, "sweep", "--instance", instances["web-1"]); n++ {
		assert.False(t, sweep(0).FirstSeen, "after %d writes", n-1)
		writes = n
	}
	assert.EqualValues(t, 5, writes, "pins, the hosts, the report with its page, and that of the fleet")

	for n := int64(1); n <= 2; n++ {
		f.on("web-1", "sleep 1; date +%s%N >/srv/app/VERSION")
		drift := sweep(3)
		require.True(t, f.killedAt(n, "accept", "--fingerprint", drift.Fingerprint, "--instance", instances["web-1"], "--why", "x"))
		if n == 1 { // before anything was sent
			assert.Equal(t, drift.Fingerprint, sweep(3).Fingerprint)
			f.run(0, append([]string{"accept", "--fingerprint", drift.Fingerprint}, at...)...)
		}
		assert.Equal(t, report.Clean, sweep(0).Status)
	}
	out, _ := f.run(0, "history", instances["web-1"], "--ledger", bucketLedger, "--output", "csv")
	assert.Equal(t, 2, strings.Count(out, ",accept,"), out)

	// The baseline of nobody's is found, also if the sweep that sees it is killed.
	f.on("web-1", "date >/srv/app/VERSION; "+rewriteByAIDE)
	for n := int64(1); n <= 3; n++ {
		f.killedAt(n, "sweep", "--instance", instances["web-1"])
	}
	h := f.sweep(3, append([]string{"sweep"}, at...)...)["web-1"]
	assert.Equal(t, []report.Suspicion{report.UnexpectedBaseline}, kinds(h), "%+v", h)
}
