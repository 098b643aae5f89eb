package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"aidefleet/lab/patch"
)

// packaged are the roles whose hosts have the lab's package.
const packaged = "web,db"

// Releases of the lab's package: the one that hosts have, and its update.
const (
	installed = "1.0"
	update    = "1.1"
)

// Package installs the lab's package on the web and database servers, with the package
// manager of this machine.
func (l *Lab) Package(ctx context.Context, out io.Writer) error {
	return l.eachPackaged(ctx, out, func(m patch.Manager) string { return m.SetUp + "\n" + m.Install }, installed)
}

// Patch updates the package on them.
func (l *Lab) Patch(ctx context.Context, out io.Writer) error {
	return l.eachPackaged(ctx, out, func(m patch.Manager) string { return m.Install }, update)
}

// eachPackaged runs a script on each of them, with a release of the package on stdin.
func (l *Lab) eachPackaged(ctx context.Context, out io.Writer, script func(patch.Manager) string, version string) error {
	managers := patch.Managers()
	if len(managers) == 0 {
		return patch.ErrNone
	}
	pkg, err := managers[0].Build(ctx, version)
	if err != nil {
		return err
	}
	for _, m := range l.members {
		if !strings.Contains(packaged, m.role) {
			continue
		}
		var said bytes.Buffer
		code, err := Exec(ctx, l.dir, m.name, []string{"sh", "-c", script(managers[0])}, bytes.NewReader(pkg), io.Discard, &said)
		if err != nil || code != 0 {
			return fmt.Errorf("install %s %s on %s: exit status %d: %w: %s", patch.Name, version, m.name, code, err, said.String())
		}
	}
	fmt.Fprintf(out, "%s installed %s %s\n", managers[0].Name, patch.Name, version)
	return nil
}
