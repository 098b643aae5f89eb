package host

import (
	"encoding/json"
	"errors"
	"io/fs"
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
	testS3     = S3{
		Address: "127.0.0.3:4567", Names: []string{"s3.eu-central-1.amazonaws.com", "lab.s3.eu-central-1.amazonaws.com"}, Authority: "-----BEGIN CERTIFICATE-----\n",
	}
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

// fakeAgent makes the programs of an agent; the first one shows what it was started with.
func fakeAgent(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range append([]string{agentProgram}, agentWorkers...) {
		script := "#!/bin/sh\npwd; cd /opt/ssm-agent && stat -c '%u:%g %a %n' . * configuration/* && cat configuration/* && env\n"
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
		{"no session worker", "needs ssm-session-worker beside it", func(dir string) error { return os.Remove(filepath.Join(dir, "ssm-session-worker")) }},
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
	h := newHost(t, Spec{S3: &testS3})
	installed, err := InstallAgent(fakeAgent(t), filepath.Join(t.TempDir(), "agent"))
	if err != nil {
		t.Fatal(err)
	}
	start(t, h, installed.Agent(testConfig, testS3, testKeys))
	if err := h.Wait(); err != nil {
		t.Error(err)
	}
	log, err := os.ReadFile(h.Log())
	if err != nil {
		t.Fatal(err)
	}
	listing, rest, _ := strings.Cut(string(log), "{")
	want := "/usr/bin\n0:0 755 .\n0:0 755 amazon-ssm-agent\n0:0 755 configuration\n0:0 755 ssm-agent-worker\n" +
		"0:0 755 ssm-document-worker\n0:0 755 ssm-session-worker\n0:0 644 configuration/amazon-ssm-agent.json\n"
	if listing != want {
		t.Errorf("the agent sees its folder as %q, want %q", listing, want)
	}
	text, environment, _ := strings.Cut("{"+rest, "\n}")
	var config any
	if err := json.Unmarshal([]byte(text+"\n}"), &config); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	const wantConfig = `{"Agent":{"ServiceDomain":"invalid"},` +
		`"Identity":{"ConsumptionOrder":["CustomIdentity"],"CustomIdentities":[{"AvailabilityZone":"eu-central-1a","CredentialsProvider":"DEFAULT",` +
		`"InstanceID":"i-0123456789abcdef0","InstanceType":"t3.micro","Region":"eu-central-1"}]},` +
		`"Mds":{"Endpoint":"http://127.0.0.1:4566"},"Mgs":{"Endpoint":"https://127.0.0.1:9"},` +
		`"S3":{"Endpoint":"s3.eu-central-1.amazonaws.com:4567"},"Ssm":{"Endpoint":"http://127.0.0.1:4566"}}`
	got, err := json.Marshal(config)
	require.NoError(t, err)
	assert.Equal(t, wantConfig, string(got))
	for _, v := range []string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true", "PATH=" + searchPath} {
		if !strings.Contains(environment, v+"\n") {
			t.Errorf("environment %q without %s", environment, v)
		}
	}
}

// TestS3Names: a host with a real agent finds S3 on the machine, and trusts it; others
// know nothing of it.
func TestS3Names(t *testing.T) {
	const own = "127.0.0.1 localhost web-1\n::1 localhost\n"
	h := newHost(t, Spec{S3: &testS3})
	for path, want := range map[string]string{
		"/etc/hosts":  own + "127.0.0.3 s3.eu-central-1.amazonaws.com lab.s3.eu-central-1.amazonaws.com\n",
		authorityFile: testS3.Authority,
	} {
		got, err := h.Read(path)
		if err != nil {
			t.Error(err)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	h = newHost(t, Spec{})
	if got, err := h.Read("/etc/hosts"); got != own {
		t.Errorf("/etc/hosts: %q, %v", got, err)
	}
	if got, err := h.Read(authorityFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %q, %v", authorityFile, got, err)
	}
}
