package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What encoding/json says of inputs of a wrong kind.
const (
	notList   = "json: cannot unmarshal string into Go struct field scriptInput.RunCommand of type []string"
	notString = "json: cannot unmarshal number into Go struct field scriptInput.WorkingDirectory of type string"
)

func notStrings(kind string) string {
	return "json: cannot unmarshal " + kind + " into Go struct field scriptInput.RunCommand of type string"
}

func TestScript(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name   string
		step   string
		status status
		code   int
		stdout string
		stderr string
		output string
	}{
		{
			name: "success", step: shell("s", "echo hello"),
			status: success, stdout: "hello\n", output: "hello\n",
		},
		{
			name: "stderr is no failure", step: shell("s", "echo hello; echo careful >&2"),
			status: success, stdout: "hello\n", stderr: "careful\n", output: "hello\n\n----------ERROR-------\ncareful\n",
		},
		{
			name: "failure", step: shell("s", "echo hello; exit 1"),
			status: failed, code: 1, stdout: "hello\n", stderr: "failed to run commands: exit status 1",
			output: "hello\n\n----------ERROR-------\nfailed to run commands: exit status 1",
		},
		{
			name: "137 is a time-out without a word", step: shell("s", "exit 137"),
			status: timedOut, code: 137,
		},
		{
			name: "ended by a signal", step: shell("s", "kill -TERM 0"),
			status: failed, code: -1, stderr: "failed to run commands: signal: terminated",
			output: "\n----------ERROR-------\nfailed to run commands: signal: terminated",
		},
		{
			name: "168 succeeds and hides stderr", step: shell("s", "echo hello; echo odd >&2; exit 168"),
			status: success, code: 168, output: "hello\n",
			stdout: "hello\n\nStep exited with code 168. Therefore, marking step as succeeded. Further document steps will be skipped.",
		},
		{
			name: "169 fails", step: shell("s", "exit 169"),
			status: failed, code: 169, output: "\n----------ERROR-------\nfailed to run commands: exit status 169",
			stdout: "\nStep exited with code 169. Therefore, marking step as Failed. Further document steps will be skipped.",
			stderr: "failed to run commands: exit status 169\nStep exited with code 169. Therefore, marking step as Failed. Further document steps will be skipped.",
		},
		{
			name: "onFailure successAndExit", step: shell("s", "exit 2", `"onFailure":"successAndExit"`),
			status: success, code: 168, output: "\n----------ERROR-------\nfailed to run commands: exit status 2",
			stdout: "\nStep was found to have onFailure property. Further document steps will be skipped.",
			stderr: "failed to run commands: exit status 2\nStep was found to have onFailure property. Further document steps will be skipped.",
		},
		{
			name: "shebang", step: shell("s", "#!/bin/cat\nas it is"),
			status: success, stdout: "#!/bin/cat\nas it is\n", output: "#!/bin/cat\nas it is\n",
		},
		{
			name: "lines are one script", step: `{"action":"aws:runShellScript","name":"s","inputs":{"runCommand":["a=1","b=2","echo $a$b $0"]}}`,
			status: success, stdout: "12 SCRIPT\n", output: "12 SCRIPT\n",
		},
		{
			name: "a list in the list", step: `{"action":"aws:runShellScript","name":"s","inputs":{"runCommand":["a=1",["echo $a"]]}}`,
			status: failed, code: 1,
			stderr: "Invalid format in plugin properties map[runCommand:[a=1 [echo $a]]];\nerror " + notStrings("array"),
			output: errorTitle + "Invalid format in plugin properties map[runCommand:[a=1 [echo $a]]];\nerror " + notStrings("array"),
		},
		{
			name: "no list", step: `{"action":"aws:runShellScript","name":"s","inputs":{"runCommand":"echo $0"}}`,
			status: failed, code: 1,
			stderr: "Invalid format in plugin properties map[runCommand:echo $0];\nerror " + notList,
			output: errorTitle + "Invalid format in plugin properties map[runCommand:echo $0];\nerror " + notList,
		},
		{
			name: "no stdin", step: shell("s", "readlink /proc/self/fd/0; cat"),
			status: success, stdout: "/dev/null\n", output: "/dev/null\n",
		},
		{
			name: "working directory", step: shell("s", "pwd"),
			status: success, stdout: "/usr/bin\n", output: "/usr/bin\n",
		},
		{
			name: "given working directory", step: shell("s", "pwd", `"workingDirectory":"`+dir+`"`),
			status: success, stdout: dir + "\n", output: dir + "\n",
		},
		{
			name: "relative working directory", step: shell("s", "pwd", `"workingDirectory":"downloads"`),
			status: success, stdout: "/usr/bin\n", output: "/usr/bin\n",
		},
		{
			name: "environment", step: shell("s", "env | sort"), status: success,
			stdout: "AWS_SSM_INSTANCE_ID=" + testInstance + "\nAWS_SSM_PLATFORM_NAME=Amazon Linux\nAWS_SSM_PLATFORM_VERSION=2023\n" +
				"AWS_SSM_REGION_NAME=us-east-1\nPATH=" + scriptPath + "\nPWD=/usr/bin\nSSM_COMMAND_ID=COMMAND\n",
			output: "AWS_SSM_INSTANCE_ID=" + testInstance + "\nAWS_SSM_PLATFORM_NAME=Amazon Linux\nAWS_SSM_PLATFORM_VERSION=2023\n" +
				"AWS_SSM_REGION_NAME=us-east-1\nPATH=" + scriptPath + "\nPWD=/usr/bin\nSSM_COMMAND_ID=COMMAND\n",
		},
		{
			name: "an environment of its own",
			step: shell("s", "echo $HOME $A; echo $SSM_COMMAND_ID $AWS_SSM_REGION_NAME $PATH",
				`"environment":{"HOME":"/root","A":"a b","SSM_COMMAND_ID":"x","AWS_SSM_REGION_NAME":"x","PATH":"/opt/bin"}`),
			status: success, stdout: "/root a b\nCOMMAND us-east-1 /opt/bin\n", output: "/root a b\nCOMMAND us-east-1 /opt/bin\n",
		},
		{
			name: "inputs of a wrong kind", step: `{"action":"aws:runShellScript","name":"s","inputs":{"workingDirectory":7}}`,
			status: failed, code: 1,
			stderr: "Invalid format in plugin properties map[workingDirectory:7];\nerror " + notString,
			output: errorTitle + "Invalid format in plugin properties map[workingDirectory:7];\nerror " + notString,
		},
		{
			name: "unknown plugin", step: `{"action":"aws:runDocument","name":"s","inputs":{}}`,
			status: failed, code: 1,
			output: "Plugin with name aws:runDocument is not supported by the lab's agent, which knows aws:runShellScript and aws:downloadContent. Step name: s",
		},
	}
	f := newFakeService(t)
	state := t.TempDir()
	f.start(state, nil)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			command := fmt.Sprint("command-", i)
			script := filepath.Join(state, testInstance, "document/orchestration", command, "s", "_script.sh")
			names := strings.NewReplacer("SCRIPT", script, "=COMMAND", "="+command, "COMMAND ", command+" ")
			steps, final := f.run(command, content(tt.step), nil)
			if len(steps) != 1 {
				t.Fatalf("%d steps", len(steps))
			}
			got := steps[0]
			assert.Equal(t, tt.status, got.Status, "status %s code %d document %s", got.Status, got.Code, final.DocumentStatus)
			assert.Equal(t, tt.code, got.Code)
			assert.Equal(t, tt.status, final.DocumentStatus)
			for _, text := range [][3]string{
				{"standard output", got.StandardOutput, tt.stdout}, {"standard error", got.StandardError, tt.stderr}, {"output", got.Output, tt.output},
			} {
				if want := names.Replace(text[2]); text[1] != want {
					t.Errorf("%s:\n%q, want\n%q", text[0], text[1], want)
				}
			}
		})
	}
}

// TestListParameter: a parameter that is a list is one in the place of runCommand only.
func TestListParameter(t *testing.T) {
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	doc := `{"schemaVersion":"2.2","parameters":{"commands":{"type":"StringList"}},
		"mainSteps":[{"action":"aws:runShellScript","name":"s","inputs":{"runCommand":%s}}]}`
	commands := map[string]any{"commands": []string{"echo $$ | tr -d 0-9", "echo two"}}
	if steps, _ := f.run("whole", fmt.Sprintf(doc, `"{{ commands }}"`), commands); steps[0].StandardOutput != "\ntwo\n" {
		t.Errorf("got %q", steps[0].StandardOutput)
	}
	steps, final := f.run("inside", fmt.Sprintf(doc, `["{{ commands }}"]`), commands)
	if final.DocumentStatus != failed {
		t.Errorf("the document is %s", final.DocumentStatus)
	}
	if !strings.HasPrefix(steps[0].StandardError, "Invalid format in plugin properties ") {
		t.Errorf("got %q", steps[0].StandardError)
	}
}

func TestMissingWorkingDirectory(t *testing.T) {
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	steps, final := f.run("one", content(shell("s", "pwd", `"workingDirectory":"/no/such"`)), nil)
	assert.Equal(t, failed, final.DocumentStatus, "got %+v %+v", steps, final)
	assert.Equal(t, 1, steps[0].Code)
	assert.True(t, strings.HasPrefix(steps[0].StandardError, "failed to run commands: "), "got %+v %+v", steps, final)
}

func TestFullDiskFailsTheStep(t *testing.T) {
	f := newFakeService(t)
	state := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(state, nil, 0o600); err != nil { // a file where a folder should be
		t.Fatal(err)
	}
	f.start(state, nil)
	steps, final := f.run("one", content(shell("s", "echo")), nil)
	assert.Equal(t, failed, final.DocumentStatus, "got %+v %+v", steps, final)
	assert.True(t, strings.HasPrefix(steps[0].StandardError, "failed to create script file. "), "got %+v %+v", steps, final)
}

func TestParametersReachTheScriptRaw(t *testing.T) {
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	doc := `{"schemaVersion":"2.2","parameters":{"path":{"type":"String"},"cost":{"type":"String"},"depth":{"type":"String","default":"3"},"words":{"type":"StringList"}},
		"mainSteps":[{"action":"aws:runShellScript","name":"s","inputs":{"runCommand":["echo {{path}} {{ depth }} '{{ words }}'","{{ cost }}","echo '{{cost}}' '{{words}}'","echo {{ other }}"]}}]}`
	steps, _ := f.run("one", doc, map[string]any{"path": "a; echo $HOME$1b", "cost": ": $$", "words": []string{"one", "$$two"}})
	if want := "a\nb 3 [\"one\",\"$two\"]\n: $ [\"one\",\"$two\"]\n{{ other }}\n"; steps[0].StandardOutput != want {
		t.Errorf("got %q, want %q", steps[0].StandardOutput, want)
	}
}

// processEnds waits for the end of a process whose id is in a file.
func processEnds(t *testing.T, pidFile string) bool {
	t.Helper()
	pid := readPID(t, pidFile)
	for range 2000 {
		if syscall.Kill(pid, 0) != nil || isZombie(pid) {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}

func isZombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// readPID waits for a file with a process id in it.
func readPID(t *testing.T, file string) int {
	t.Helper()
	for range 2000 {
		b, _ := os.ReadFile(file)
		if s, whole := strings.CutSuffix(string(b), "\n"); whole {
			pid, err := strconv.Atoi(s)
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s: no process id within 10 s", file)
	return 0
}

// killedStep has a child in its group, and one that left it.
func killedStep(dir string) string {
	return shell("s", fmt.Sprintf(`echo begun
sleep 600 & echo $! > %[1]s/child
setsid sh -c 'echo $$ > %[1]s/own; exec sleep 600' &
trap '' TERM
echo $$ > %[1]s/script
wait`, dir), `"timeoutSeconds":"60"`)
}

func TestTimeoutKillsTheGroup(t *testing.T) {
	f := newFakeService(t)
	timeouts := make(chan time.Time)
	f.start(t.TempDir(), timeouts)
	dir := t.TempDir()
	f.deliver("one", content(killedStep(dir), shell("next", "echo goes on"), shell("last", "echo end", `"onFailure":"exit"`)), nil)
	f.accepted("one")
	own := readPID(t, dir+"/own")
	defer func() { _ = syscall.Kill(own, syscall.SIGKILL) }()
	readPID(t, dir+"/script")
	timeouts <- time.Time{}
	steps, final := f.finished("one")
	assert.Equal(t, timedOut, final.DocumentStatus, "got %+v %+v", steps, final)
	require.Len(t, steps, 3)
	require.Equal(t, timedOut, steps[0].Status)
	assert.Equal(t, 137, steps[0].Code)
	assert.Empty(t, steps[0].StandardError)
	require.Equal(t, success, steps[1].Status, "later steps: %+v", steps[1:])
	assert.Equal(t, success, steps[2].Status, "later steps")
	assert.True(t, processEnds(t, dir+"/script"), "the process group lives on")
	assert.True(t, processEnds(t, dir+"/child"), "the process group lives on")
	if syscall.Kill(own, 0) != nil {
		t.Error("the child that called setsid was killed too; the real agent does not reach it")
	}
}

func TestCancelKillsTheGroup(t *testing.T) {
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	dir := t.TempDir()
	f.deliver("one", content(killedStep(dir), shell("next", "touch "+dir+"/next"), shell("last", "touch "+dir+"/last", `"finallyStep":true`)), nil)
	f.accepted("one")
	own := readPID(t, dir+"/own")
	defer func() { _ = syscall.Kill(own, syscall.SIGKILL) }()
	readPID(t, dir+"/script")
	f.deliverCancel("one")
	f.accepted("cancel-one")
	steps, final := f.finished("one")
	assert.Equal(t, cancelled, final.DocumentStatus, "got %+v %+v", steps, final)
	require.Len(t, steps, 3)
	assert.Equal(t, 137, steps[0].Code)
	assert.Equal(t, 1, steps[1].Code)
	assert.Equal(t, 1, steps[2].Code)
	for _, s := range steps {
		if s.Status != cancelled {
			t.Errorf("step %s, want Cancelled", s.Status)
		}
	}
	for _, name := range []string{"next", "last"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("step %s was run", name)
		}
	}
	assert.True(t, processEnds(t, dir+"/script"), "the process group lives on")
	assert.True(t, processEnds(t, dir+"/child"), "the process group lives on")
	f.deliverCancel("one") // again, and too late
	f.accepted("cancel-one")
	f.idle()
}

// TestBackgroundChildBlocksTheStep: the script itself ends at once.
func TestBackgroundChildBlocksTheStep(t *testing.T) {
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	gate := filepath.Join(t.TempDir(), "gate")
	f.deliver("one", content(shell("s", fmt.Sprintf("(echo $$ > %[1]s.pid; until [ -e %[1]s ]; do sleep 0.01; done; echo late) & echo soon", gate))), nil)
	f.accepted("one")
	if !processEnds(t, gate+".pid") {
		t.Fatal("the script does not end")
	}
	f.idle() // no reply: the step goes on
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	steps, _ := f.finished("one")
	if want := "soon\nlate\n"; steps[0].StandardOutput != want {
		t.Errorf("got %q, want %q", steps[0].StandardOutput, want)
	}
}

func TestReboot(t *testing.T) {
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	mark := filepath.Join(t.TempDir(), "mark")
	f.deliver("one", content(shell("a", "echo x >> "+mark), shell("b", "echo y >> "+mark+"; [ $(grep -c y "+mark+") = 2 ] || exit 194"), shell("c", "cat "+mark)), nil)
	f.accepted("one")
	steps, interim := f.finished("one")
	require.Equal(t, successAndReboot, interim.DocumentStatus, "got %+v %+v", steps, interim)
	require.Len(t, steps, 2)
	require.Equal(t, successAndReboot, steps[1].Status)
	require.Equal(t, 194, steps[1].Code)
	require.Empty(t, steps[1].StandardError)
	steps, final := f.finished("one")
	assert.Equal(t, success, final.DocumentStatus, "got %+v %+v", steps, final)
	require.Len(t, steps, 2)
	assert.Equal(t, "x\ny\ny\n", steps[1].StandardOutput)
}

func TestEndlessReboot(t *testing.T) {
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	f.deliver("one", content(shell("s", "exit 194")), nil)
	f.accepted("one")
	for range maxRuns + 1 {
		if _, r := f.finished("one"); r.DocumentStatus != successAndReboot {
			t.Fatalf("got %+v", r)
		}
	}
	f.idle() // it has given up
}

func TestScriptTimeout(t *testing.T) {
	tests := []struct {
		in   any
		want int
	}{
		{nil, 3600}, {"", 3600}, {"soon", 3600}, {"60", 60}, {60.0, 60}, {"60.9", 60}, {true, 3600}, {"NaN", 3600}, {"1e300", 3600},
		{"4", 3600}, {4.9, 3600}, {"5", 5}, {"172800", 172800}, {"172801", 3600}, {"-60", 3600}, {[]any{"60"}, 3600},
	}
	for _, tt := range tests {
		if got := scriptTimeout(tt.in); got != time.Duration(tt.want)*time.Second {
			t.Errorf("scriptTimeout(%v) = %v, want %d s", tt.in, got, tt.want)
		}
	}
}
