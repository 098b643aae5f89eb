package cloud

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// debianCLI is where Debian installs its aws, which speaks with the services
// through another SDK than Go's.
const debianCLI = "/usr/bin/aws"

// TestAWSCommandLine drives the lab as an operator does.
func TestAWSCommandLine(t *testing.T) {
	if _, err := os.Stat(debianCLI); err != nil {
		t.Skipf("no aws-cli: %v", err)
	}
	l := ready(t, Config{})
	home := t.TempDir()
	aws := func(arguments ...string) (map[string]any, string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), debianCLI, append(arguments, "--endpoint-url", l.url, "--output", "json")...)
		cmd.Env = []string{
			"HOME=" + home, "PATH=/usr/bin:/bin", "AWS_ACCESS_KEY_ID=" + userKey.ID, "AWS_SECRET_ACCESS_KEY=" + userKey.Secret,
			"AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=",
		}
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			return nil, stderr.String()
		}
		var out map[string]any
		if stdout.Len() > 0 {
			if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
				t.Fatalf("aws %v: %v in %s", arguments, err, stdout.String())
			}
		}
		return out, stderr.String()
	}
	// at follows keys and indices through decoded JSON and writes what is there.
	at := func(v any, path ...any) string {
		t.Helper()
		for _, step := range path {
			switch step := step.(type) {
			case string:
				m, ok := v.(map[string]any)
				if !ok {
					t.Fatalf("no %q in %s", step, text(v))
				}
				v = m[step]
			case int:
				list, ok := v.([]any)
				require.True(t, ok, "no entry %d in %s", step, text(v))
				require.Greater(t, len(list), step, "no entry %d in %s", step, text(v))
				v = list[step]
			}
		}
		return text(v)
	}
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}

	out, stderr := aws("sts", "get-caller-identity")
	check("account "+stderr, at(out, "Account"), "123456789012")
	out, stderr = aws("ec2", "describe-instances", "--filters", "Name=tag:role,Values=web,db", "Name=instance-state-name,Values=running")
	check("instance "+stderr, at(out, "Reservations", 2, "Instances", 0, "InstanceId"), db1)
	check("state", at(out, "Reservations", 0, "Instances", 0, "State", "Name"), running)
	out, stderr = aws("ec2", "describe-instances", "--filters", "Name=tag:role,Values=none")
	check("no instance "+stderr, at(out, "Reservations"), "[]")
	out, stderr = aws("ssm", "describe-instance-information", "--filters", "Key=tag:role,Values=web")
	check("node "+stderr, at(out, "InstanceInformationList", 1, "PingStatus"), "Online")
	out, stderr = aws("ssm", "describe-document", "--name", "Doc")
	check("document "+stderr, at(out, "Document", "Status"), "Active")

	out, stderr = aws("ssm", "send-command", "--document-name", "Doc", "--targets", "Key=tag:role,Values=web",
		"--parameters", "must=b", "--comment", "by hand", "--max-errors", "10%")
	id := at(out, "Command", "CommandId")
	check("send "+stderr, at(out, "Command", "Status"), "Pending")
	l.reply(l.take(web1), "Success", oneStep)
	l.take(web2)
	out, stderr = aws("ssm", "list-commands", "--command-id", id)
	check("command "+stderr, at(out, "Commands", 0, "CompletedCount"), "1")
	requested, err := time.Parse(time.RFC3339Nano, at(out, "Commands", 0, "RequestedDateTime"))
	require.NoError(t, err)
	assert.True(t, requested.Equal(l.now()), "requested %s", requested)
	out, stderr = aws("ssm", "list-command-invocations", "--command-id", id, "--details")
	check("output "+stderr, at(out, "CommandInvocations", 0, "CommandPlugins", 0, "Output"), "out")
	check("second", at(out, "CommandInvocations", 1, "StatusDetails"), "InProgress")
	out, stderr = aws("ssm", "get-command-invocation", "--command-id", id, "--instance-id", web1)
	check("stdout "+stderr, at(out, "StandardOutputContent"), "out")
	_, stderr = aws("ssm", "cancel-command", "--command-id", id)
	check("cancel", stderr, "")
	out, _ = aws("ssm", "list-commands", "--command-id", id)
	check("cancelled", at(out, "Commands", 0, "Status"), "Cancelling")

	_, stderr = aws("ssm", "send-command", "--document-name", "Doc", "--instance-ids", off, "--parameters", "must=b")
	assert.Contains(t, stderr, "(InvalidInstanceId)")
	assert.Contains(t, stderr, "Instances [["+off+"]] not in a valid state")
	_, stderr = aws("ec2", "describe-instances", "--instance-ids", "i-0000000000000000f")
	if !strings.Contains(stderr, "(InvalidInstanceID.NotFound)") {
		t.Errorf("error %q", stderr)
	}
}
