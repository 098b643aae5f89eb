package check

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
)

// Few is the number of entries below which AIDE hardly looks at the host. With the base of
// a distribution's configuration and none of its rules, AIDE sees one file.
const Few = 5

// tell adds a sentence to the message of the answer.
func (r *runner) tell(sentence string) {
	if r.answer.Message != "" {
		sentence = r.answer.Message + ". " + strings.ToUpper(sentence[:1]) + sentence[1:]
	}
	r.answer.Message = sentence
}

// tellFirst puts a sentence before the others: the result line has room for the first.
func (r *runner) tellFirst(sentence string) {
	others := r.answer.Message
	r.answer.Message = sentence
	if others != "" {
		r.tell(others)
	}
}

// tellNarrow says in the message if the configuration lets AIDE see or tell little.
func (r *runner) tellNarrow(told, all aide.Summary) {
	if told.Removed < Few {
		r.tellFew(told.Total)
	}
	if ignored := all.Added + all.Removed + all.Changed - told.Added - told.Removed - told.Changed; ignored > 0 {
		r.tell(fmt.Sprintf("changes that the configuration ignores (report_ignore_…): %d", ignored))
	}
}

func (r *runner) tellFew(entries int) {
	if entries < Few {
		r.tell(fmt.Sprintf("AIDE looks at hardly anything (entries: %d): look at the rules of %s", entries, r.config.Path))
	}
}

// watchFolder looks for the baseline's own folder among the entries of the baseline.
func (r *runner) watchFolder() func(aide.Entry) error {
	folders := []string{filepath.Dir(r.config.Database)}
	if real, err := filepath.EvalSymlinks(folders[0]); err == nil && real != folders[0] {
		folders = append(folders, real)
	}
	return func(e aide.Entry) error {
		for _, folder := range folders {
			r.folderWatched = r.folderWatched || string(e.Name()) == folder
		}
		return nil
	}
}

// errThere stops the search at a file that exists.
var errThere = errors.New("a file is there")

// allGone says whether a check saw no file because all files of the baseline are gone. From
// 0.19 on AIDE calls them removed too if no rule selects them.
func (r *runner) allGone(s aide.Summary) bool {
	if s.Removed == 0 {
		return false
	}
	_, err := baseline.Inspect(r.config.Database, func(e aide.Entry) error {
		if _, err := os.Lstat(string(e.Name())); err == nil {
			return errThere
		}
		return nil
	})
	return err == nil
}
