package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// emptyAccount is an AWS account without any document, and the environment
// that leads there.
func emptyAccount(t *testing.T) {
	t.Helper()
	isolate(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if operation := r.Header.Get("X-Amz-Target"); operation != "AmazonSSM.GetDocument" {
			t.Errorf("unexpected %s", operation)
		}
		w.Header().Set("X-Amzn-Requestid", "request-1")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"InvalidDocument","message":"there is none"}`)
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDSECRET", "AWS_SECRET_ACCESS_KEY": "KEYSECRET",
	} {
		t.Setenv(name, value)
	}
}

func TestVerbose(t *testing.T) {
	emptyAccount(t)
	code, said, stderr := run(t, "documents", "diff")
	require.Equal(t, 0, code, "exit %d, stdout %q, stderr %q: want no log that nobody asked for", code, said, stderr)
	require.NotEmpty(t, said)
	require.Empty(t, stderr)
	code, stdout, stderr := run(t, "documents", "diff", "--verbose", "--log-format", "json")
	assert.Equal(t, 0, code, "exit %d, stdout %q: want what there is without a log", code, stdout)
	assert.Equal(t, said, stdout)
	lines := json.NewDecoder(strings.NewReader(stderr))
	calls := 0
	for ; ; calls++ {
		var call struct {
			Operation, Region, Error string
			ID                       string `json:"request_id"`
			Status                   int
		}
		if err := lines.Decode(&call); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v in %q", err, stderr)
		}
		assert.Equal(t, "GetDocument", call.Operation, "call %+v", call)
		assert.Equal(t, "eu-central-1", call.Region, "call %+v", call)
		assert.Equal(t, 400, call.Status, "call %+v", call)
		assert.Equal(t, "request-1", call.ID, "call %+v", call)
		assert.Equal(t, "InvalidDocument", call.Error, "call %+v", call)
	}
	if calls != strings.Count(said, "\n") {
		t.Errorf("%d calls, one for each line of\n%s", calls, said)
	}
	if strings.Contains(stderr, "SECRET") {
		t.Errorf("the log says too much: %s", stderr)
	}
	t.Setenv("ORCHESTRATOR_VERBOSE", "true")
	if _, _, stderr = run(t, "documents", "diff"); !strings.Contains(stderr, "operation=GetDocument") {
		t.Errorf("stderr %q: want a log as text", stderr)
	}
}

// TestLogFlags: every command that calls AWS has them, and refuses what they are
// not.
func TestLogFlags(t *testing.T) {
	isolate(t)
	for _, command := range []string{"sweep", "collect", "init", "documents publish", "documents diff"} {
		code, stdout, stderr := run(t, append(strings.Fields(command), "--log-format", "xml")...)
		assert.Equal(t, 2, code, "%s: exit %d, stdout %q, stderr %q", command, code, stdout, stderr)
		assert.Empty(t, stdout, command)
		assert.Equal(t, "orchestrator: --log-format \"xml\": want text or json; see orchestrator "+command+" --help\n", stderr, command)
	}
	if code, _, _ := run(t, "deploy", "template", "--verbose"); code != 2 {
		t.Errorf("exit %d: there are no AWS calls to log", code)
	}
}
