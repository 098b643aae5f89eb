package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/host"
	"aidefleet/lab/lab"
	"aidefleet/orchestrator/report"
)

// bin is the folder of the programs, which are built once.
var bin string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if acted, err := actAsAgent(); acted {
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			return 0
		}
		dir, err := os.MkdirTemp("", "aidefleet-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		bin = dir
		if err := makePrograms(dir, "build"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// makePrograms builds programs into a folder, with the flags of all builds: they are
// in the Makefile only. The arguments are targets of make, and its variables.
func makePrograms(dir string, args ...string) error {
	cmd := exec.Command("make", append([]string{"-C", "..", "--no-print-directory", "BIN=" + dir}, args...)...)
	// These tests may be run by make, whose options are not for this one.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS=") })
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

func needHosts(t *testing.T) {
	t.Helper()
	if err := host.Check(); err != nil {
		t.Skip("hosts cannot be run here: ", err)
	}
}

// fleet is a lab that is up.
type fleet struct {
	t        *testing.T
	dir, url string
	up       *exec.Cmd
}

// program is a command line of the orchestrator, or of the lab if "lab" is its first
// word, with nothing of the caller's settings in its environment.
func program(environment []string, args ...string) *exec.Cmd {
	name := "orchestrator"
	if args[0] == "lab" {
		name, args = args[0], args[1:]
	}
	cmd := exec.Command(filepath.Join(bin, name), args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "ORCHESTRATOR_")
	})
	cmd.Env = append(cmd.Env, "XDG_STATE_HOME="+filepath.Join(bin, "state")) // the user's own ledger is not for tests
	cmd.Env = append(cmd.Env, environment...)
	return cmd
}

// labUp starts a lab and waits until it says that it is up.
func labUp(t *testing.T, options ...string) *fleet {
	t.Helper()
	needHosts(t)
	f := &fleet{t: t, dir: filepath.Join(t.TempDir(), "lab")}
	f.up = program(nil, append([]string{"lab", "up", "--dir", f.dir, "--addr", "127.0.0.1:0"}, options...)...)
	var said bytes.Buffer
	f.up.Stderr = &said
	stdout, err := f.up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.up.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = f.up.Process.Signal(os.Interrupt)
		if err := f.up.Wait(); err != nil {
			t.Errorf("lab up ended with %v:\n%s", err, said.String())
		}
		f.nothingLeft()
	})
	first, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("lab up: %v:\n%s", err, said.String())
	}
	f.url = regexp.MustCompile(`http://[0-9.:]+[0-9]`).FindString(first)
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	return f
}

// nothingLeft fails if a process of the lab's sandboxes still runs.
func (f *fleet) nothingLeft() {
	f.t.Helper()
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, l := range lines {
		if text, err := os.ReadFile(l); err == nil && bytes.Contains(text, []byte(f.dir)) {
			f.t.Errorf("%s still runs: %q", filepath.Dir(l), text)
		}
	}
}

// environment is that of an operator of the lab; of none before it is up.
func (f *fleet) environment() []string {
	f.t.Helper()
	if f.up == nil {
		return nil
	}
	list, err := lab.Environment(f.dir)
	if err != nil {
		f.t.Fatal(err)
	}
	return list
}

// command is a program as an operator of the lab runs it.
func (f *fleet) command(args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	cmd = program(f.environment(), args...)
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// run runs a program and checks its exit code.
func (f *fleet) run(want int, args ...string) (stdout, stderr string) {
	f.t.Helper()
	cmd, out, said := f.command(args...)
	_ = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != want {
		f.t.Fatalf("%s: exit %d, want %d\n%s\n%s", strings.Join(args, " "), got, want, out, said)
	}
	return out.String(), said.String()
}

// sweep runs a command that reports, as JSON, and returns its hosts by name.
func (f *fleet) sweep(want int, args ...string) map[string]report.Host {
	f.t.Helper()
	out, _ := f.run(want, append(args, "--output", "json")...)
	return hosts(f.t, out)
}

func hosts(t *testing.T, out string) map[string]report.Host {
	t.Helper()
	var r report.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	byName := make(map[string]report.Host)
	for _, h := range r.Hosts {
		if _, twice := byName[h.Name]; twice {
			t.Errorf("%s is reported twice", h.Name)
		}
		byName[h.Name] = h
	}
	if r.Summary.Targeted != len(byName) {
		t.Errorf("%d hosts are reported, %d were targeted", len(byName), r.Summary.Targeted)
	}
	return byName
}

// on runs a shell command on a host of the lab.
func (f *fleet) on(name, script string) {
	f.t.Helper()
	f.run(0, "lab", "exec", "--dir", f.dir, name, "--", "sh", "-c", script)
}

// machine runs a shell command among the files of a host with all that the machine may
// do, and the host may not.
func (f *fleet) machine(name, script string) {
	f.t.Helper()
	args := []string{"--target", strconv.Itoa(f.first(name)), "--mount"}
	if os.Geteuid() != 0 {
		args = append(args, "--user", "--preserve-credentials")
	}
	if out, err := exec.Command("nsenter", append(args, "--root", "--", "/bin/sh", "-c", script)...).CombinedOutput(); err != nil {
		f.t.Fatalf("%s on %s: %v\n%s", script, name, err, out)
	}
}

// first is the first process of a host's sandbox.
func (f *fleet) first(name string) int {
	f.t.Helper()
	var first struct{ PID int }
	text, err := os.ReadFile(filepath.Join(f.dir, "hosts", name, "sandbox.json"))
	require.NoError(f.t, err)
	require.NoError(f.t, json.Unmarshal(text, &first), string(text))
	return first.PID
}

// aws runs Debian's AWS CLI.
func (f *fleet) aws(args ...string) string {
	f.t.Helper()
	const cli = "/usr/bin/aws"
	if _, err := os.Stat(cli); err != nil {
		f.t.Skip("the AWS CLI is not installed here: apt-get install awscli")
	}
	cmd := exec.Command(cli, append([]string{"--endpoint-url", f.url, "--output", "json"}, args...)...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") }), f.environment()...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			out = exit.Stderr
		}
		f.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// document runs a document on a host as the SSM console does, and returns the
// first line of its output and the rest.
func (f *fleet) document(name, document string, parameters ...string) (first, rest string) {
	f.t.Helper()
	var found struct {
		Reservations []struct {
			Instances []struct {
				ID string `json:"InstanceId"`
			}
		}
	}
	text := f.aws("ec2", "describe-instances", "--filters", "Name=tag:Name,Values="+name)
	require.NoError(f.t, json.Unmarshal([]byte(text), &found), text)
	require.Len(f.t, found.Reservations, 1, name)
	id := found.Reservations[0].Instances[0].ID
	args := []string{"ssm", "send-command", "--document-name", document, "--instance-ids", id}
	if len(parameters) > 0 {
		args = append(args, "--parameters", strings.Join(parameters, ","))
	}
	var sent struct {
		Command struct {
			ID string `json:"CommandId"`
		}
	}
	if err := json.Unmarshal([]byte(f.aws(args...)), &sent); err != nil {
		f.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var got struct{ Status, StandardOutputContent string }
		if err := json.Unmarshal([]byte(f.aws("ssm", "get-command-invocation", "--command-id", sent.Command.ID, "--instance-id", id)), &got); err != nil {
			f.t.Fatal(err)
		}
		if got.Status == "Success" || got.Status == "Failed" {
			first, rest, _ = strings.Cut(got.StandardOutputContent, "\n")
			return first, rest
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s on %s: %+v", document, name, got)
		}
	}
}

// maximum reads a host's metric over the wire.
func (f *fleet) maximum(name, metric string) (values []float64) {
	f.t.Helper()
	var out struct{ Datapoints []struct{ Maximum float64 } }
	text := f.aws("cloudwatch", "get-metric-statistics", "--namespace", "AIDE", "--metric-name", metric,
		"--dimensions", "Name=Instance,Value="+name, "--statistics", "Maximum", "--period", "60",
		"--start-time", time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), "--end-time", time.Now().Add(time.Minute).UTC().Format(time.RFC3339))
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		f.t.Fatal(err)
	}
	for _, p := range out.Datapoints {
		values = append(values, p.Maximum)
	}
	return values
}

func TestDemo(t *testing.T) {
	t.Parallel()
	needHosts(t)
	tmp := t.TempDir()
	cmd := program([]string{"TMPDIR=" + tmp}, "lab", "demo")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("lab demo: %v\n%s", err, out)
	}
	for _, want := range []string{
		"  /etc/cron.d  2 changes, 1 host: db-1\n",
		"  packages  4 changes, 4 hosts: db-1 web-1 web-2 web-3\n",
		"  /srv/app  15 changes, 3 hosts: web-1 web-2 web-3\n",
		"6 hosts: 0 clean, 4 changed, 1 failed, 1 missing",
		"6 hosts: 3 clean, 1 changed, 1 failed, 1 missing",
		"baseline_missing", "agent_lost", "/etc/passwd",
		"AideFleet-Install created", "6 hosts: 6 done",
		"HostsTargeted 6", "SweepCompleted 1", "Instance=web-3", "suspect: baseline_unexpected",
		"lab up",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	}
	if strings.Count(string(out), "batch-1") != 2 { // it gets the node, and takes its baseline
		t.Errorf("batch-1 is not of env=prod:\n%s", out)
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("the demo left %v behind", left)
	}
	(&fleet{t: t, dir: tmp}).nothingLeft()
}

// in is the same lab for a part of the test.
func (f *fleet) in(t *testing.T) *fleet {
	g := *f
	g.t = t
	return &g
}

// slowAIDE puts an AIDE on a host that takes two minutes.
func (f *fleet) slowAIDE(name string) {
	f.t.Helper()
	f.on(name, `rm /usr/bin/aide; printf '#!/bin/sh\n[ "$1" = --version ] && exec /.os/usr/bin/aide --version\nexec sleep 120\n' >/usr/bin/aide; chmod +x /usr/bin/aide`)
}

// completed waits until n hosts have ended the newest command, which is for the
// target.
func (f *fleet) completed(n int, target string) {
	f.t.Helper()
	_, value, _ := strings.Cut(target, "=")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		var list struct {
			Commands []struct {
				Status         string
				CompletedCount int
				Targets        []struct{ Values []string }
			}
		}
		if err := json.Unmarshal([]byte(f.aws("ssm", "list-commands", "--max-items", "1")), &list); err != nil {
			f.t.Fatal(err)
		}
		if c := list.Commands; len(c) == 1 && c[0].CompletedCount == n && c[0].Status == "InProgress" && slices.Contains(c[0].Targets[0].Values, value) {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%d hosts have not ended the command: %+v", n, list)
		}
	}
}

func TestLabDown(t *testing.T) {
	t.Parallel()
	f := &fleet{t: t, dir: filepath.Join(t.TempDir(), "lab")}
	if _, said := f.run(1, "lab", "down", "--dir", f.dir); !strings.Contains(said, "there is no lab") {
		t.Errorf("lab down without a lab: %q", said)
	}
	if _, said := f.run(1, "lab", "env", "--dir", f.dir); !strings.Contains(said, "there is no lab") {
		t.Errorf("lab env without a lab: %q", said)
	}
	up := labUp(t)
	up.run(0, "lab", "down", "--dir", up.dir)
	if _, err := os.Stat(up.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestLabRefuses(t *testing.T) {
	needHosts(t)
	f := &fleet{t: t}
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		exit int
		args []string
		want string
	}{
		{1, []string{"lab", "up", "--dir", foreign, "--addr", "127.0.0.1:0"}, "thesis.txt"},
		{1, []string{"lab", "up", "--dir", t.TempDir(), "--addr", "0.0.0.0:0"}, "loopback"},
		{1, []string{"lab", "up", "--dir", t.TempDir(), "--addr", "4580"}, "HOST:PORT"},
		{1, []string{"lab", "up", "--dir", t.TempDir(), "--addr", "127.0.0.1:0", "--node", "/nowhere"}, "make build"},
		{1, []string{"lab", "up", "--dir", t.TempDir(), "--addr", "127.0.0.1:0", "--agent", "/nowhere/amazon-ssm-agent"}, "/nowhere"},
		{2, []string{"lab", "up", "extra"}, "extra"},
		{2, []string{"lab", "upp"}, "upp"},
	} {
		if _, said := f.run(c.exit, c.args...); !strings.Contains(said, c.want) {
			t.Errorf("%q says %q, want %q", c.args, said, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(foreign, "thesis.txt")); err != nil {
		t.Error("a file that is not the lab's is gone:", err)
	}
}

// TestNoAWS is one line each, with what to do.
func TestNoAWS(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	_ = closed.Close()
	empty := filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]struct {
		environment []string
		want        string
	}{
		"no region":      {nil, "region"},
		"no credentials": {[]string{"AWS_REGION=us-east-1"}, "credentials"},
		"nobody there":   {[]string{"AWS_ENDPOINT_URL=" + nobody, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_MAX_ATTEMPTS=1"}, "AWS_ENDPOINT_URL"},
	} {
		cmd := program(append(c.environment, "HOME="+empty, "AWS_EC2_METADATA_DISABLED=true"), "sweep", "--tag", "env=prod")
		out, _ := cmd.CombinedOutput()
		got := cmd.ProcessState.ExitCode()
		assert.Equal(t, 1, got, "%s: exit %d, %q", name, got, out)
		assert.Equal(t, 1, bytes.Count(out, []byte("\n")), name)
		assert.Contains(t, string(out), c.want, name)
	}
}
