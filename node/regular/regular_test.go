package regular

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// soon fails the test if do has not come to an end within five seconds.
func soon(t *testing.T, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { do(); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("it blocks")
	}
}

func TestOpenFile(t *testing.T) {
	for _, tc := range []struct {
		name string
		make func(path string) error
		want error // nil if it can be opened
	}{
		{"a file", func(path string) error { return os.WriteFile(path, []byte("text"), 0o600) }, nil},
		{"nothing", func(string) error { return nil }, fs.ErrNotExist},
		{"a pipe", func(path string) error { return syscall.Mkfifo(path, 0o600) }, ErrNot},
		{"a folder", func(path string) error { return os.Mkdir(path, 0o700) }, ErrNot},
		{"a socket", func(path string) error { _, err := net.Listen("unix", path); return err }, ErrNot},
		{"a link to a device", func(path string) error { return os.Symlink("/dev/zero", path) }, syscall.ELOOP},
		{"a link to a file", func(path string) error { return os.Symlink("/etc/passwd", path) }, syscall.ELOOP},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			if err := tc.make(path); err != nil {
				t.Fatal(err)
			}
			soon(t, func() {
				if _, err := Read(path, 100); !errors.Is(err, tc.want) {
					t.Errorf("Read: %v, want %v", err, tc.want)
				}
			})
			if tc.name == "a folder" {
				return // cannot be opened for writing at all
			}
			soon(t, func() {
				f, err := OpenFile(path, os.O_WRONLY|syscall.O_NOFOLLOW, 0)
				if !errors.Is(err, tc.want) {
					t.Errorf("OpenFile to write: %v, want %v", err, tc.want)
				}
				if err == nil {
					_ = f.Close()
				}
			})
		})
	}
	soon(t, func() {
		if _, err := OpenFile("/dev/zero", os.O_RDONLY, 0); !errors.Is(err, ErrNot) {
			t.Errorf("a device: %v", err)
		}
	})
}

func TestReadStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := Read(path, 4)
	assert.NoError(t, err, text)
	assert.Equal(t, "0123", string(text))
}
