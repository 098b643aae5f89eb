package lab

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/lab/sigv4"
)

// TestKeys: each lab has secrets of its own, which nobody else can read.
func TestKeys(t *testing.T) {
	secrets := make(map[string]bool)
	for range 2 {
		dir := filepath.Join(t.TempDir(), "lab")
		lock, err := claim(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = lock.Close() }()
		keys, err := newKeys(dir)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]fs.FileMode{dir: 0o700 | fs.ModeDir, filepath.Join(dir, secretFile): 0o600} {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode() != want {
				t.Errorf("%s has the mode %s, want %s", name, info.Mode(), want)
			}
		}
		if err := (State{URL: "http://127.0.0.1:1"}).write(dir); err != nil {
			t.Fatal(err)
		}
		environment, err := Environment(dir)
		if err != nil {
			t.Fatal(err)
		}
		user, _ := keys.Find(userKey)
		if all := strings.Join(environment, "\n"); !strings.Contains(all, "AWS_SECRET_ACCESS_KEY="+user.Secret+"\n") && !strings.HasSuffix(all, "AWS_SECRET_ACCESS_KEY="+user.Secret) {
			t.Errorf("the environment %q has not the secret %q", all, user.Secret)
		}
		hosts, _ := keys.Find(hostKey)
		if !hosts.Agent {
			t.Error("the hosts' key is a user's")
		}
		for _, k := range []sigv4.Key{user, hosts} {
			if secrets[k.Secret] {
				t.Errorf("the secret %s comes twice", k.Secret)
			}
			secrets[k.Secret] = true
		}
		if _, err := newKeys(dir); !errors.Is(err, fs.ErrExist) {
			t.Errorf("keys in a folder that has some: %v", err)
		}
	}
}

func TestClaimRefusesOthersFolders(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a folder of another user's")
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	_, err := claim(dir)
	assert.ErrorContains(t, err, "belongs to another user")
}

func TestLoopbackOnly(t *testing.T) {
	served := loopbackOnly(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for host, want := range map[string]int{
		"127.0.0.1:4580": 204, "127.0.0.1": 204, "127.9.9.9:1": 204, "localhost": 204, "LOCALHOST:4580": 204, "[::1]:4580": 204, "[::1]": 204,
		"example.com": 421, "example.com:4580": 421, "localhost.example.com": 421, "127.0.0.1.example.com": 421, "": 421,
		"10.0.0.1:4580": 421, "0.0.0.0:4580": 421, "169.254.169.254": 421, "aidefleet-lab.s3.us-east-1.amazonaws.com": 421, "x:y:z": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/lab/stats", nil)
		r.Host = host
		w := httptest.NewRecorder()
		served.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
	}
}
