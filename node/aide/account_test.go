package aide

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTrustedBaseline: as the configuration, but for the account that a distribution
// gives its databases to.
func TestTrustedBaseline(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	const distribution = 54322
	was := account
	t.Cleanup(func() { account = was })
	account = func() Account { return Account{distribution, distribution} }
	for _, c := range []struct {
		name            string
		dirUID, fileUID int
		fileGID         int
		dir, file       fs.FileMode
		mend            string // what mends it; empty if all is well
	}{
		{"root's", 0, 0, 0, 0o755, 0o600, ""},
		{"Debian's", distribution, distribution, distribution, 0o755, 0o600, ""},
		{"Debian's, which its group can write to", distribution, distribution, distribution, 0o755, 0o660, ""},
		{"root's, which Debian's group can write to", 0, 0, distribution, 0o755, 0o660, ""},
		{"Debian's, which another group can write to", 0, distribution, 54323, 0o755, 0o660, "chmod go-w DIR/db/aide.db"},
		{"Debian's, which all can write to", 0, distribution, distribution, 0o755, 0o602, "chmod go-w DIR/db/aide.db"},
		{"somebody's", 0, somebody, 0, 0o755, 0o600, "chown root DIR/db/aide.db"},
		{"somebody's folder", somebody, 0, 0, 0o755, 0o600, "chown root DIR/db"},
		{"everybody's folder", 0, 0, 0, 0o777, 0o600, "chmod go-w DIR/db"},
		{"somebody's, in everybody's folder", somebody, somebody, 0, 0o777, 0o600, "chown root DIR/db && chmod go-w DIR/db"},
		{"in a folder as /tmp", 0, 0, 0, 0o777 | fs.ModeSticky, 0o600, ""},
		{"somebody's in a folder as /tmp", 0, somebody, 0, 0o777 | fs.ModeSticky, 0o600, "chown root DIR/db/aide.db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "db", "aide.db")
			if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o755), os.WriteFile(file, nil, 0o600),
				os.Chown(file, c.fileUID, c.fileGID), os.Chmod(file, c.file),
				os.Chown(filepath.Dir(file), c.dirUID, 0), os.Chmod(filepath.Dir(file), c.dir)); err != nil {
				t.Fatal(err)
			}
			err := TrustedBaseline(file)
			if c.mend == "" {
				if err != nil {
					t.Errorf("%v, want none", err)
				}
				return
			}
			if !errors.Is(err, ErrUntrusted) {
				t.Fatalf("%v, want ErrUntrusted", err)
			}
			if want := strings.ReplaceAll(c.mend, "DIR", dir); !strings.HasSuffix(err.Error(), "then "+want) {
				t.Errorf("%v, want that %q mends it", err, want)
			}
		})
	}
	if err := TrustedBaseline(t.TempDir() + "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of none: %v", err)
	}
}
