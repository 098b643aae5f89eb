package host

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/agent"
)

var (
	testConfig = agent.Config{Endpoint: "http://127.0.0.1:4566", InstanceID: "i-0123456789abcdef0", Region: "eu-central-1"}
	testKeys   = Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}
)

func TestStandIn(t *testing.T) {
	a := StandIn(testConfig, testKeys)
	got, err := agent.ParseConfig(a.Stdin)
	assert.NoError(t, err)
	assert.Equal(t, testConfig, got)
	if want := []string{labProgram, "agent"}; !slices.Equal(a.Args, want) {
		t.Errorf("arguments %q, want %q", a.Args, want)
	}
	if want := []string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret"}; !slices.Equal(a.Env, want) {
		t.Errorf("environment %q, want %q", a.Env, want)
	}
}

// fakeAgent makes the three programs of an agent; the first one lists its folder.
func fakeAgent(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range append([]string{agentProgram}, agentWorkers...) {
		script := "#!/bin/sh\ncd /opt/ssm-agent && stat -c '%U %a %n' . * && cat configuration/* && env\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, agentProgram)
}

func TestInstallAgentRefuses(t *testing.T) {
	tests := []struct {
		name, want string
		edit       func(dir string) error
	}{
		{"no agent", "amazon-ssm-agent: no such file", func(dir string) error { return os.Remove(filepath.Join(dir, agentProgram)) }},
		{"no worker", "needs ssm-document-worker beside it", func(dir string) error { return os.Remove(filepath.Join(dir, "ssm-document-worker")) }},
		{"not executable", "ssm-agent-worker is not executable", func(dir string) error { return os.Chmod(filepath.Join(dir, "ssm-agent-worker"), 0o644) }},
		{"a folder", "is no file", func(dir string) error {
			name := filepath.Join(dir, agentProgram)
			if err := os.Remove(name); err != nil {
				return err
			}
			return os.Mkdir(name, 0o755)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			program := fakeAgent(t)
			if err := tt.edit(filepath.Dir(program)); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "agent")
			_, err := InstallAgent(program, dir)
			assert.ErrorContains(t, err, tt.want)
			if _, err := os.Stat(dir); err == nil {
				t.Error("something was installed")
			}
		})
	}
}

func TestRealAgent(t *testing.T) {
	needSandbox(t)
	h := newHost(t, Spec{})
	installed, err := InstallAgent(fakeAgent(t), filepath.Join(t.TempDir(), "agent"))
	if err != nil {
		t.Fatal(err)
	}
	start(t, h, installed.Agent(testConfig, testKeys))
	if err := h.Wait(); err != nil {
		t.Error(err)
	}
	log, err := os.ReadFile(h.Log())
	if err != nil {
		t.Fatal(err)
	}
	listing, rest, _ := strings.Cut(string(log), "{")
	want := "root 755 .\nroot 755 amazon-ssm-agent\nroot 755 configuration\nroot 755 ssm-agent-worker\nroot 755 ssm-document-worker\n"
	if listing != want {
		t.Errorf("the agent sees its folder as %q, want %q", listing, want)
	}
	var config struct {
		Mds      struct{ Endpoint string }
		Identity struct {
			CustomIdentities []struct{ InstanceID, Region, AvailabilityZone string }
		}
	}
	text, environment, _ := strings.Cut("{"+rest, "\n}")
	if err := json.Unmarshal([]byte(text+"\n}"), &config); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	ids := config.Identity.CustomIdentities
	assert.Equal(t, testConfig.Endpoint, config.Mds.Endpoint, "configuration %+v", config)
	require.Len(t, ids, 1)
	assert.Equal(t, testConfig.InstanceID, ids[0].InstanceID)
	assert.Equal(t, "eu-central-1", ids[0].Region)
	assert.Equal(t, "eu-central-1a", ids[0].AvailabilityZone)
	for _, v := range []string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true", "PATH=" + searchPath} {
		if !strings.Contains(environment, v+"\n") {
			t.Errorf("environment %q without %s", environment, v)
		}
	}
}
