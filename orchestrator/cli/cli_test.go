package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
)

// isolate takes away every AWS setting of the machine the test runs on.
func isolate(t *testing.T) {
	for _, name := range []string{
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_ENDPOINT_URL", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"ORCHESTRATOR_TAG", "ORCHESTRATOR_INSTANCE", "ORCHESTRATOR_REGION", "ORCHESTRATOR_OUTPUT",
	} {
		t.Setenv(name, "") // so that it is put back
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(t.Context(), append([]string{"orchestrator"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

func TestBadInput(t *testing.T) {
	isolate(t)
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"bogus", 2, `no command "bogus"; see orchestrator --help`},
		{"swep", 2, `no command "swep": did you mean sweep?`},
		{"hold lst", 2, `no command "lst": did you mean list?; see orchestrator hold --help`},
		{"help swep", 2, "No help topic for 'swep'"},
		{"version x", 2, `unexpected "x"; see orchestrator version --help`},
		{"sweep env=prod", 2, `unexpected "env=prod": did you mean --tag env=prod?; see orchestrator sweep --help`},
		{"sweep i-01234567", 2, `unexpected "i-01234567": did you mean --instance i-01234567?`},
		{"sweep --tags env=prod", 2, "no flag --tags: did you mean --tag?"},
		{"show i-01234567 --unexplain", 2, "no flag --unexplain: did you mean --unexplained?; see orchestrator show --help"},
		{"sweep --tag env=prod --wait 4x", 2, `--wait "4x": want a time such as 90s, 30m, 4h, 1d or 1d12h`},
		{"--bogus", 2, "-bogus"},
		{"sweep", 2, "no target"},
		{"sweep --bogus", 2, "-bogus"},
		{"sweep --tag", 2, "needs an argument"},
		{"sweep --tag prod", 2, `tag "prod": want KEY=VALUE`},
		{"sweep --tag env=", 2, "want KEY=VALUE"},
		{"sweep --tag env=a --tag env=b", 2, "given twice"},
		{"sweep --tag env=prod --instance i-01234567", 2, "cannot be combined"},
		{"sweep --instance i-web", 2, `instance "i-web": want an id such as i-0123456789abcdef0, or the Name of a host`},
		{"sweep --tag env=prod extra", 2, `unexpected "extra"`},
		{"sweep --tag env=prod --output xml", 2, `--output "xml"`},
		{"sweep --tag env=prod --namespace AWS/EC2;", 2, "--namespace"},
		{"sweep --tag env=prod --fleet \u00fc", 2, "fleet name"},
		{"sweep --tag env=\u00fc", 2, "give --fleet NAME"},
		{"sweep --tag env=prod --execution-timeout 59s", 2, "want 1m to 48h"},
		{"sweep --tag env=prod --execution-timeout 49h", 2, "want 1m to 48h"},
		{"sweep --tag env=prod --execution-timeout 60", 2, "execution-timeout"},
		{"sweep --tag env=prod --delivery-timeout 1s", 2, "want 30s to 720h"},
		{"sweep --tag env=prod --max-concurrency 0", 2, "--max-concurrency"},
		{"sweep --tag env=prod --max-errors 101%", 2, "--max-errors"},
		{"sweep --tag env=prod --config aide.conf", 2, "absolute path"},
		{"sweep --tag env=prod --config /a'b", 2, "absolute path"},
		{"sweep --tag env=prod --wait -1s", 2, "negative"},
		{"init --tag env=prod --namespace X", 2, "-namespace"},
		{"collect", 2, "--command-id"},
		{"collect --command-id x", 2, `--command-id "x"`},
		{"collect --command-id 12345678-90ab-cdef-1234-567890abcdef x", 2, `unexpected "x"`},
		{"documents bogus", 2, `no command "bogus"`},
		{"documents publish x", 2, `unexpected "x"`},
		{"deploy bogus", 2, `no command "bogus"`},
		{"deploy template x", 2, `unexpected "x"`},
		{"deploy template --bogus", 2, "-bogus"},
		{"sweep --tag env=prod", 1, "no AWS region: give --region"},
		{"sweep --tag env=prod --region eu-central-1", 1, "no AWS credentials: set AWS_PROFILE"},
		{"documents publish --region eu-central-1", 1, "no AWS credentials: set AWS_PROFILE"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			code, stdout, stderr := run(t, strings.Fields(tc.args)...)
			assert.Equal(t, tc.code, code, "exit %d, %q", code, stderr)
			assert.Contains(t, stderr, tc.want)
			assert.Empty(t, stdout, "stdout %q, stderr %q: want one line on stderr", stdout, stderr)
			assert.Equal(t, 1, strings.Count(stderr, "\n"))
			assert.True(t, strings.HasPrefix(stderr, "orchestrator: "), "stdout %q, stderr %q: want one line on stderr", stdout, stderr)
		})
	}
}

func TestUnreachable(t *testing.T) {
	isolate(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	code, _, stderr := run(t, "sweep", "--tag", "env=prod")
	assert.Equal(t, 1, code, "exit %d, %q", code, stderr)
	assert.True(t, strings.HasPrefix(stderr, "orchestrator: AWS cannot be reached: check the network"), "exit %d, %q", code, stderr)
	assert.Equal(t, 1, strings.Count(stderr, "\n"))
}

func TestHelp(t *testing.T) {
	for _, args := range []string{"", "--help", "sweep --help", "documents", "deploy"} {
		code, stdout, stderr := run(t, strings.Fields(args)...)
		assert.Equal(t, 0, code, "%q: exit %d, stdout %q, stderr %q", args, code, stdout, stderr)
		assert.Contains(t, stdout, "orchestrator", args)
		assert.Empty(t, stderr, args)
	}
}

// TestTagsKeepTheirCommas: --tag role=web,db is one tag with two values.
func TestTagsKeepTheirCommas(t *testing.T) {
	isolate(t)
	_, _, stderr := run(t, "sweep", "--tag", "role=web,,db")
	if !strings.Contains(stderr, `tag "role=web,,db" has an empty value`) {
		t.Errorf("stderr %q", stderr)
	}
	t.Setenv("ORCHESTRATOR_TAG", "env=a,,b")
	if _, _, stderr := run(t, "sweep"); !strings.Contains(stderr, "empty value") {
		t.Errorf("stderr %q: the environment is read like the flag", stderr)
	}
}

func TestExitCodes(t *testing.T) {
	of := func(hosts ...report.Host) error { return judge(report.Report{Hosts: hosts}) }
	var (
		clean, drift    = report.Host{Status: report.Clean}, report.Host{Status: report.Drift}
		failed, missing = report.Host{Status: report.Failed}, report.Host{Status: report.Missing}
	)
	held := func(h report.Host) report.Host { h.Held = &report.Held{ID: "h"}; return h }
	suspect := func(h report.Host) report.Host { h.Suspect = []report.Finding{{}}; return h }
	for _, tc := range []struct {
		name string
		err  error
		code int
		text string
	}{
		{"clean", of(clean, clean), 0, ""},
		{"drift", of(clean, drift), 3, ""},
		{"a failed host wins over drift", of(drift, failed, clean), 4, ""},
		{"a missing host wins over drift", of(drift, missing), 4, ""},
		{"a suspect host", of(clean, suspect(clean)), 3, ""},
		{"a failed host wins over a suspect one", of(suspect(clean), failed), 4, ""},
		{"held drift and silence", of(held(drift), held(failed), held(missing)), 0, ""},
		{"a held host hides no other", of(held(drift), drift), 3, ""},
		{"a held suspect", of(held(suspect(drift))), 3, ""},
		{"no match", fmt.Errorf("%w env=x", fleet.ErrNoMatch), 5, "no host matches env=x; check the tag"},
		{"interrupted", &sweep.InterruptedError{CommandID: "c"}, 130, "collect --command-id c"},
		{"interrupted, not cancelled", &sweep.InterruptedError{CommandID: "c", Cancel: errors.New("denied")}, 130, "goes on: denied"},
		{"interrupted before the send", context.Canceled, 130, "no command was sent"},
		{"unfinished", sweep.ErrUnfinished, 4, "some hosts have not finished"},
		{"unknown command", fmt.Errorf("command c: %w", runcommand.ErrNotFound), 1, "remembered for 30 days"},
		{"anything else", errors.New("broken\x1b[31m"), 1, `broken\x1b[31m`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code := exitCode(tc.err)
			text := explain(tc.err, code)
			assert.Equal(t, tc.code, code, "exit %d, %q", code, text)
			assert.Contains(t, text, tc.text)
			assert.Equal(t, tc.text == "", text == "")
		})
	}
}
