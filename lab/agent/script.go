package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	runShellScript = "aws:runShellScript"

	// Limits of timeoutSeconds, and what is taken for anything outside of them
	// (agent/plugins/pluginutil, ValidateExecutionTimeout).
	minScriptTimeout     = 5
	maxScriptTimeout     = 172800
	defaultScriptTimeout = 3600

	// scriptPath is the PATH that systemd gives a service, and the agent is one
	// (systemd.exec(5); /sbin and /bin where they are folders of their own).
	scriptPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	// workingDirectory is the agent's own (packaging/linux/amazon-ssm-agent.service).
	workingDirectory = "/usr/bin"
)

// Exit codes with a meaning.
const (
	exitKilled          = 137 // by the agent, or by itself: it is taken for a time-out
	exitSkipRestSuccess = 168 // the step succeeded, later steps are skipped
	exitSkipRestFailure = 169 // the step failed, later steps are skipped
	exitReboot          = 194 // reboot, then run the step again
)

// scriptInput are the inputs of aws:runShellScript.
type scriptInput struct {
	RunCommand       []string
	Environment      map[string]string
	WorkingDirectory string
	TimeoutSeconds   any
}

// parseScriptInput refuses, as the real agent does, a runCommand that is a string, or
// that has a list in it, as ["{{ commands }}"] has for a parameter that is a list.
func parseScriptInput(inputs any) (in scriptInput, err error) {
	text, err := json.Marshal(inputs)
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	if err != nil {
		return in, refuse("Invalid format in plugin properties %v;\nerror %v", inputs, err)
	}
	return in, nil
}

// runScript runs a step's script and fills in what came of it. It returns when
// the script and everything that holds its output has ended, when the time is
// over, or when the command is cancelled.
func (a *agent) runScript(ctx context.Context, c *command, s step, r *stepResult) {
	in, err := parseScriptInput(s.inputs)
	if err != nil {
		r.fail(err.Error())
		return
	}
	file, err := a.writeScript(c.id, s.name, in.RunCommand)
	if err != nil {
		r.fail(fmt.Sprintf("failed to create script file. %v", err))
		return
	}
	// Through sh, which runs a script without a shebang itself.
	cmd := exec.Command("sh", "-c", file)
	cmd.Env = a.scriptEnvironment(c.id, in.Environment)
	cmd.Dir = a.scriptDir(c.id, in.WorkingDirectory)
	var stdout, stderr stream
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// A group of its own: that is what a kill reaches, and all that it reaches.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

	var failure error
	r.code, failure = a.await(ctx, c, cmd, scriptTimeout(in.TimeoutSeconds))
	stdout.close()
	stderr.close()
	r.stdout, r.stderr = stdout.text(), stderr.text()
	r.status = statusOf(r.code, c.cancelled())
	if failure != nil && r.status == failed {
		r.stderr = r.stderr.with("failed to run commands: " + failure.Error())
	}
}

// scriptDir is where a script runs: where the command's downloads are, if it has
// any and its workingDirectory is not another.
func (a *agent) scriptDir(commandID, wanted string) string {
	if filepath.IsAbs(wanted) {
		return wanted
	}
	dir := filepath.Join(a.commandDir(commandID), downloads, wanted)
	if _, err := os.Stat(dir); err != nil {
		return workingDirectory
	}
	return dir
}

// await starts a script and waits for its end. An ended script's output is
// complete only when every process that holds it has closed it, and so a
// background process blocks the step, as on a real host.
func (a *agent) await(ctx context.Context, c *command, cmd *exec.Cmd, timeout time.Duration) (code int, err error) {
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		var exit *exec.ExitError
		switch {
		case err == nil:
			return 0, nil
		case errors.As(err, &exit):
			return exit.ExitCode(), err // -1 after a signal
		}
		return 1, err
	case <-a.after(timeout):
	case <-c.cancel:
	case <-ctx.Done():
	}
	// At once and without a word of warning, to the whole group. What called
	// setsid is not in it, and lives on.
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		return 1, fmt.Errorf("kill process group %d: %w", cmd.Process.Pid, err)
	}
	return exitKilled, nil
}

// statusOf maps an exit code (agent/plugins/pluginutil, GetStatus).
func statusOf(code int, wasCancelled bool) status {
	switch {
	case code == 0:
		return success
	case code == exitReboot:
		return successAndReboot
	case code == exitKilled && wasCancelled:
		return cancelled
	case code == exitKilled:
		return timedOut
	}
	return failed
}

// scriptTimeout reads timeoutSeconds. What is no number, or out of bounds,
// silently becomes an hour.
func scriptTimeout(in any) time.Duration {
	var seconds float64
	switch in := in.(type) {
	case float64:
		seconds = in
	case string:
		if n, err := strconv.ParseFloat(in, 64); err == nil {
			seconds = n
		}
	}
	whole := int64(defaultScriptTimeout)
	if seconds >= minScriptTimeout && seconds < maxScriptTimeout+1 {
		whole = int64(seconds)
	}
	return time.Duration(whole) * time.Second
}

// scriptEnvironment is all that a script gets; of two values for a name the last holds.
// HOME, USER and TERM are not in it unless the document has them, as for any service of
// the system.
func (a *agent) scriptEnvironment(commandID string, wanted map[string]string) []string {
	env := []string{"PATH=" + scriptPath}
	for name, value := range wanted {
		env = append(env, name+"="+value)
	}
	return append(env,
		"SSM_COMMAND_ID="+commandID,
		"AWS_SSM_INSTANCE_ID="+a.InstanceID,
		"AWS_SSM_REGION_NAME="+a.Region,
		"AWS_SSM_PLATFORM_NAME="+a.PlatformName,
		"AWS_SSM_PLATFORM_VERSION="+a.PlatformVersion,
	)
}

// commandDir is the folder of a command, where the real agent has it too.
func (a *agent) commandDir(commandID string) string {
	return filepath.Join(a.StateDir, a.InstanceID, "document", "orchestration", commandID)
}

// writeScript writes a step's script into the folder of its command and returns
// its path.
func (a *agent) writeScript(commandID, stepName string, lines []string) (string, error) {
	dir := filepath.Join(a.commandDir(commandID), fileName(stepName))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	file := filepath.Join(dir, "_script.sh")
	// A file that is open for writing cannot be executed ("text file busy"), and
	// a command that another goroutine starts in this moment would hold it open.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return file, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o700)
}

// oddCharacter is what the name of a step may hold and a file name should not.
var oddCharacter = regexp.MustCompile(`^$|[^a-zA-Z0-9_-]`)

func fileName(stepName string) string { return oddCharacter.ReplaceAllString(stepName, "_") }
