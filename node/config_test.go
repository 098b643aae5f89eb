package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// TestConfigOfOthers: whoever can change a file is not asked what AIDE, which runs
// as root, is to write and to run. The real AIDE would do all of it.
func TestConfigOfOthers(t *testing.T) { aidetest.Each(t, testConfigOfOthers) }

func testConfigOfOthers(t *testing.T, a aidetest.AIDE) {
	for name, do := range map[string]func(path string) error{
		"everybody can write to it": func(path string) error { return os.Chmod(path, 0o666) },
		"it is somebody's": func(path string) error {
			if os.Geteuid() != 0 {
				return errors.ErrUnsupported
			}
			return os.Chown(path, 54321, 54321)
		},
	} {
		for _, command := range [][]string{
			{"check"}, {"init"}, {"init", "--force", "--yes"}, {"accept", "--fingerprint", strings.Repeat("0a", 16)}, {"accept", "--undo"},
			{"configure", "--watch", "/srv/app"}, {"configure", "--remove"}, {"doctor"},
		} {
			t.Run(name+" "+strings.Join(command, " "), func(t *testing.T) {
				h := newHost(t, a)
				h.run("init")
				evil := filepath.Join(h.dir, "evil.conf")
				victims := []string{filepath.Join(h.dir, "pwned"), filepath.Join(h.dir, "run")}
				h.write("evil.d/program", "#!/bin/sh\n: >"+victims[1]+"\n")
				if err := os.Chmod(filepath.Join(h.dir, "evil.d/program"), 0o755); err != nil {
					t.Fatal(err)
				}
				h.write("evil.conf", "@@x_include "+h.dir+"/evil.d ^[a-z]+$\nreport_url=file:"+victims[0]+"\n"+string(readFile(t, h.config)))
				if err := do(evil); errors.Is(err, errors.ErrUnsupported) {
					t.Skip("only root can give a file away")
				} else if err != nil {
					t.Fatal(err)
				}
				h.config = evil
				if command[0] == "doctor" {
					d, _, _ := doctorSays(t, h)
					if !slices.ContainsFunc(d.Checks, func(c struct{ Name, Status, Reason, Message, Next string }) bool {
						return c.Name == "config" && c.Reason == string(result.ConfigInvalid) && strings.Contains(c.Message, evil) && strings.Contains(c.Next, "chown root")
					}) {
						t.Errorf("%+v", d)
					}
				} else {
					l, text := h.run(command[0], command[1:]...)
					assert.Equal(t, result.ConfigInvalid, l.Reason, "%+v\n%s", l, text)
					assert.Contains(t, l.Message, evil+": others can change it")
				}
				for _, victim := range victims {
					if _, err := os.Stat(victim); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%s is there: %v", victim, err)
					}
				}
			})
		}
	}
}
