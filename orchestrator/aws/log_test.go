package aws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answer is one HTTP answer of a server.
type answer struct {
	status int
	body   string
}

// loaded returns the operations that Load makes for a server that gives the
// answers in turn.
func loaded(t *testing.T, answers ...answer) Operations {
	t.Helper()
	next := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if next == len(answers) {
			t.Errorf("unexpected request %d", next+1)
			w.WriteHeader(http.StatusTeapot)
			return
		}
		a := answers[next]
		next++
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-Requestid", fmt.Sprintf("request-%d", next))
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.body)
	}))
	t.Cleanup(func() {
		server.Close()
		if next != len(answers) {
			t.Errorf("%d requests, want %d", next, len(answers))
		}
	})
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "AKIDSECRET", "AWS_SECRET_ACCESS_KEY": "KEYSECRET", "AWS_SESSION_TOKEN": "TOKENSECRET",
	} {
		t.Setenv(name, value)
	}
	o, err := Load(t.Context(), "eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestLogCalls(t *testing.T) {
	const throttled = `{"__type":"ThrottlingException","message":"Rate exceeded BODYSECRET"}`
	for _, tc := range []struct {
		name    string
		answers []answer
		want    map[string]any
	}{
		{
			"answered", []answer{{200, `{"Command":{"CommandId":"c","Comment":"BODYSECRET"}}`}},
			map[string]any{"level": "INFO", "attempts": 1.0, "status": 200.0, "request_id": "request-1"},
		},
		{
			"answered at the second attempt", []answer{{400, throttled}, {200, `{}`}},
			map[string]any{"level": "INFO", "attempts": 2.0, "status": 200.0, "request_id": "request-2"},
		},
		{
			"refused", []answer{{400, `{"__type":"AccessDeniedException","message":"BODYSECRET"}`}},
			map[string]any{"level": "WARN", "attempts": 1.0, "status": 400.0, "request_id": "request-1", "error": "AccessDeniedException"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var log bytes.Buffer
			ctx := WithLogger(t.Context(), slog.New(slog.NewJSONHandler(&log, nil)))
			_, err := loaded(t, tc.answers...).SendCommand(ctx, &ssm.SendCommandInput{
				DocumentName: sdk.String("AideFleet-Check"), Comment: sdk.String("BODYSECRET"),
			})
			if (err != nil) != (tc.want["error"] != nil) {
				t.Errorf("error %v", err)
			}
			if strings.Contains(log.String(), "SECRET") {
				t.Errorf("the log says too much: %s", log.String())
			}
			var got map[string]any
			if err := json.Unmarshal(log.Bytes(), &got); err != nil {
				t.Fatalf("%v in %q, want one line", err, log.String())
			}
			s, ok := got["seconds"].(float64)
			assert.True(t, ok, "seconds %v", got["seconds"])
			assert.GreaterOrEqual(t, s, 0.0)
			delete(got, "seconds")
			delete(got, "time")
			tc.want["msg"], tc.want["service"], tc.want["operation"], tc.want["region"] = "AWS call", "SSM", "SendCommand", "eu-central-1"
			if fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("got  %v\nwant %v", got, tc.want)
			}
		})
	}
}

// TestLogNoAnswer: where nobody answers there is no status and no request id.
func TestLogNoAnswer(t *testing.T) {
	o := loaded(t)
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	o, err := Load(t.Context(), o.Region)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	ctx := WithLogger(t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
	err = send(o)
	require.Error(t, err, "log %q: want none without a logger", log.String())
	assert.Empty(t, log.String())
	if _, err = o.SendCommand(ctx, &ssm.SendCommandInput{DocumentName: sdk.String("d")}); err == nil {
		t.Fatal("no error")
	}
	line := log.String()
	for _, word := range []string{"operation=SendCommand", "attempts=1", "connection refused"} {
		assert.Contains(t, line, word)
	}
	assert.NotContains(t, line, "status=")
	assert.NotContains(t, line, "request_id=")
	assert.Equal(t, 1, strings.Count(line, "\n"))
}
