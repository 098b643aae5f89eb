package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
	if code != 0 || said == "" || stderr != "" {
		t.Fatalf("exit %d, stdout %q, stderr %q: want no log that nobody asked for", code, said, stderr)
	}
	code, stdout, stderr := run(t, "documents", "diff", "--verbose", "--log-format", "json")
	if code != 0 || stdout != said {
		t.Errorf("exit %d, stdout %q: want what there is without a log", code, stdout)
	}
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
		if call.Operation != "GetDocument" || call.Region != "eu-central-1" || call.Status != 400 || call.ID != "request-1" || call.Error != "InvalidDocument" {
			t.Errorf("call %+v", call)
		}
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
		if code != 2 || stdout != "" || stderr != "orchestrator: --log-format \"xml\": want text or json; see orchestrator COMMAND --help\n" {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", command, code, stdout, stderr)
		}
	}
	if code, _, _ := run(t, "deploy", "template", "--verbose"); code != 2 {
		t.Errorf("exit %d: there are no AWS calls to log", code)
	}
}
