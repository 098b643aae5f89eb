package e2e

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const nobody = "65534"

// asNobody is a program that another local user runs than who made the lab.
func asNobody(t *testing.T, environment []string, argv ...string) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	cmd := exec.Command("setpriv", append([]string{"--reuid", nobody, "--regid", nobody, "--clear-groups"}, argv...)...)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=/nonexistent"}, environment...)
	cmd.Dir = "/"
	return cmd
}

// readable lets other users enter the folders that Go made for a test, so that what is
// refused is refused by the lab.
func readable(t *testing.T, dir string) {
	t.Helper()
	for up := filepath.Dir(dir); up != os.TempDir() && up != "/"; up = filepath.Dir(up) {
		if err := os.Chmod(up, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOtherUsers: another local user can neither read a lab's secret nor do anything
// without it, in the lab of sandboxes and in that of simulated hosts.
func TestOtherUsers(t *testing.T) {
	t.Parallel()
	labs := map[string]simulated{"simulated": simulate(t, 10)}
	f := labUp(t, "--bare")
	labs["sandboxes"] = simulated{t, f.dir, f.url}
	for name, s := range labs {
		t.Run(name, func(t *testing.T) {
			s.tb = t
			readable(t, s.dir)
			for _, file := range []string{"secret", "lab.json", "hosts/web-1/etc/passwd"} {
				out, err := asNobody(t, nil, "cat", filepath.Join(s.dir, file)).CombinedOutput()
				if err == nil {
					t.Errorf("%s can be read: %s", file, out)
				}
				if !strings.Contains(string(out), "Permission denied") {
					t.Errorf("%s: %s", file, out)
				}
			}
			for what, environment := range map[string][]string{
				"InvalidSignatureException":   {"AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab"},
				"UnrecognizedClientException": {"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret"},
			} {
				for _, args := range [][]string{
					{"create-document", "--name", "Root", "--content", `{"schemaVersion":"2.2","mainSteps":[{"action":"aws:runShellScript","name":"x","inputs":{"runCommand":["id"]}}]}`},
					{"send-command", "--document-name", "AideFleet-Check", "--targets", "Key=tag:env,Values=prod"},
				} {
					out, err := asNobody(t, append(environment, "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true"),
						append([]string{"/usr/bin/aws", "--endpoint-url", s.url, "ssm"}, args...)...).CombinedOutput()
					if err == nil {
						t.Errorf("%s: it works: %s", args[0], out)
					}
					if !strings.Contains(string(out), "("+what+")") {
						t.Errorf("%s: %s, want %s", args[0], out, what)
					}
				}
			}
			calls := s.stats().Calls
			for _, operation := range []string{"CreateDocument", "SendCommand"} {
				if n := calls[operation]; n > 0 {
					t.Errorf("%d calls of %s were taken", n, operation)
				}
			}
		})
	}
}

// TestRequests: whoever connects has to sign, and to ask for this machine.
func TestRequests(t *testing.T) {
	s := simulate(t, 10)
	for _, tc := range []struct {
		name, method, path, target, host string
		status                           int
		want                             string
	}{
		{"no signature", http.MethodPost, "/", "AmazonSSM.CreateDocument", "", 403, "MissingAuthenticationToken"},
		{"no signature, and the host's name", http.MethodPost, "/", "AmazonSSM.CreateDocument", "localhost", 403, "MissingAuthenticationToken"},
		{"an object", http.MethodGet, "/aidefleet-lab/x", "", "", 403, "AccessDenied"},
		{"another name", http.MethodPost, "/", "AmazonSSM.CreateDocument", "evil.example.com", 421, "loopback"},
		{"another name for the stats", http.MethodGet, "/lab/stats", "", "evil.example.com:80", 421, "loopback"},
		{"another address", http.MethodGet, "/lab/stats", "", "192.0.2.1", 421, "loopback"},
		{"the stats", http.MethodGet, "/lab/stats", "", "", 200, `"calls"`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tc.method, s.url+tc.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tc.host
		if tc.target != "" {
			req.Header.Set("X-Amz-Target", tc.target)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != tc.status {
			t.Errorf("%s: %s, want %d", tc.name, resp.Status, tc.status)
		}
		if !bytes.Contains(text, []byte(tc.want)) {
			t.Errorf("%s: %s, want %s", tc.name, text, tc.want)
		}
	}
}

// TestSlowHead: who never ends the head of a request is not waited for.
func TestSlowHead(t *testing.T) {
	t.Parallel()
	s := simulate(t, 10)
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET /lab/stats HTTP/1.1\r\nHost: localhost\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection is still open: %v", err)
	}
}

// TestNoWayOutOfAHost: what an operator runs on a host has no more capabilities than the
// host's agent, and cannot write to the machine's programs. What else root on a host
// cannot do is in lab/host.
func TestNoWayOutOfAHost(t *testing.T) {
	t.Parallel()
	f := labUp(t, "--bare")
	f.run(32, "lab", "exec", "--dir", f.dir, "web-1", "--", "mount", "-o", "remount,bind,rw", "/usr/share") // mount(8): a failure
	f.run(1, "lab", "exec", "--dir", f.dir, "web-1", "--", "touch", "/usr/share/lab-test")
	f.run(1, "lab", "exec", "--dir", f.dir, "web-1", "--", "mknod", "/var/disk", "b", "8", "0")
	const effective = "CapEff:\t00000000000000fb\n"
	if got, _ := f.run(0, "lab", "exec", "--dir", f.dir, "web-1", "--", "grep", "CapEff", "/proc/self/status"); got != effective {
		t.Errorf("a program has %q, want %q", got, effective)
	}
	if got, _ := f.run(0, "lab", "exec", "--dir", f.dir, "web-1", "--", "sh", "-c", "grep CapEff /proc/$(pidof -s /.lab/lab)/status"); got != effective {
		t.Errorf("the agent has %q, want %q", got, effective)
	}
}
