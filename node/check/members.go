package check

import (
	"bufio"
	"errors"
	"io"
	"os"

	"aidefleet/node/baseline"
	"aidefleet/node/state"
	"aidefleet/node/wholefile"
)

// members writes the names of entries to a file, each with the group that it is in.
type members struct {
	dir  string // for the file
	file *os.File
	out  *bufio.Writer
	one  []byte
}

func (m *members) add(name []byte, group uint32) error {
	if m.file == nil {
		file, err := wholefile.CreateUnnamed(m.dir)
		if err != nil {
			return err
		}
		m.file, m.out = file, bufio.NewWriter(file)
	}
	m.one = state.AppendMember(m.one[:0], baseline.NameOf(name), group)
	_, err := m.out.Write(m.one)
	return err
}

// take returns the file, from its beginning. Whoever takes it closes it.
func (m *members) take() (*os.File, error) {
	file := m.file
	if file == nil {
		return nil, nil
	}
	m.file = nil
	if err := m.out.Flush(); err != nil {
		return file, err
	}
	_, err := file.Seek(0, io.SeekStart)
	return file, err
}

func (m *members) close() {
	if m.file != nil {
		_ = m.file.Close()
	}
}

// keepGroups keeps the groups of this check, so that one of them can be accepted. Without
// them, only the whole can be.
func (r *runner) keepGroups(newDatabase string) {
	err := r.state.ForgetGroups()
	if names := r.found.members; names != nil {
		defer func() { _ = names.Close() }()
		kept := state.Groups{Baseline: r.compared.SHA256, NewDatabase: newDatabase, Groups: r.found.groups}
		err = errors.Join(err, r.state.KeepGroups(kept, names))
	}
	if err != nil {
		r.note("No group of these changes can be accepted alone: %v.", err)
	}
}
