package check

import (
	"bufio"
	"io"
	"os"
	"path/filepath"

	"aidefleet/node/baseline"
	"aidefleet/node/state"
	"aidefleet/node/wholefile"
)

// digestsFile holds the digests of the changes of this check until it is over.
func (r *runner) digestsFile() string { return filepath.Join(r.state.Run(), "changes") }

// sum returns a fingerprint, and writes the digests of its changes for the next check to
// compare with.
func (r *runner) sum(print *fingerprint) (sum string, err error) {
	path := r.digestsFile()
	err = wholefile.Write(path, wholefile.Options{Half: path + ".tmp"}, func(w io.Writer) error {
		out := bufio.NewWriter(w)
		if sum, err = print.sum(state.ShortDigests{Out: out}); err != nil {
			return err
		}
		return out.Flush()
	})
	return sum, err
}

// countNew says in the answer how many changes the last check of the same baseline did not
// have. If there was none, or nobody knows what it had, all are new.
func (r *runner) countNew(base baseline.Info) {
	r.answer.New = r.answer.Sum()
	if !r.named {
		return
	}
	if added, since, ok := r.state.NewChanges(base.SHA256, r.digestsFile()); ok {
		r.answer.New, r.answer.Since = min(added, r.answer.Sum()), since
	}
}

// keepChanges keeps the changes of this check for the next. Without them, all changes of
// the next check are new.
func (r *runner) keepChanges(base baseline.Info) {
	defer func() { _ = os.Remove(r.digestsFile()) }() // it only takes room
	err := r.state.ForgetChanges()
	if r.named {
		err = r.state.KeepChanges(base.SHA256, r.answer.Report, r.digestsFile())
	}
	if err != nil {
		r.note("What is new in the next check will not be known: %v.", err)
	}
}
