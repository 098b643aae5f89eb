package packaging_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// arm64 returns what runs an arm64 program here: nothing on such a machine, else
// an emulator of it.
func arm64(t *testing.T) []string {
	t.Helper()
	if runtime.GOARCH == "arm64" {
		return nil
	}
	for _, name := range []string{"qemu-aarch64-static", "qemu-aarch64"} {
		if path, err := exec.LookPath(name); err == nil {
			return []string{path}
		}
	}
	t.Skip("arm64 programs cannot be run here: apt-get install qemu-user-static")
	return nil
}

// TestARM64 runs the arm64 node. The AIDE that it starts is the machine's own.
func TestARM64(t *testing.T) {
	emulator := arm64(t)
	release(t)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { // a configuration where the group can write is refused
		t.Fatal(err)
	}
	node := func(program string, args ...string) (string, int) {
		argv := append(append(emulator, filepath.Join(dist, "linux-arm64", program)), args...)
		c := exec.Command(argv[0], argv[1:]...)
		out, _ := c.Output() // the status says enough
		line, _, _ := strings.Cut(string(out), "\n")
		return line, c.ProcessState.ExitCode()
	}
	expect := func(exit int, part, program string, args ...string) {
		t.Helper()
		line, got := node(program, args...)
		assert.Equal(t, exit, got, "%s %q ends with %d and prints %q first", program, args, got, line)
		assert.Contains(t, line, part, "%s %q", program, args)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, state := filepath.Join(dir, "aide.conf"), filepath.Join(dir, "state")

	expect(0, "aide-node "+version, "aide-node", "version")
	expect(0, version, "orchestrator", "--version")
	expect(1, `"reason":"aide_missing"`, "aide-node", "check", "--state", state, "--aide", "/nonexistent/aide")

	if _, err := exec.LookPath("aide"); err != nil {
		t.Skip("the rest needs AIDE, which is not installed here: apt-get install aide, or dnf install aide")
	}
	if err := os.Mkdir(filepath.Join(dir, "tree"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "c", "d", "e"} { // few entries would be told
		write("tree/"+name, name+"\n")
	}
	write("aide.conf", "database_in=file:"+dir+"/aide.db\ndatabase_out=file:"+dir+"/aide.db.new\nreport_url=stdout\n"+dir+"/tree p+u+g+s+sha256\n")
	options := []string{"--config", config, "--state", state}
	expect(0, `"status":"clean"`, "aide-node", append([]string{"init"}, options...)...)
	expect(0, `"status":"clean"`, "aide-node", append([]string{"check"}, options...)...)
	write("tree/b", "b\n")
	expect(0, `"status":"drift","added":1,"removed":0,"changed":0`, "aide-node", append([]string{"check"}, options...)...)
}
