package aide

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"aidefleet/node/regular"
)

// Job is what AIDE is told beside its configuration.
type Job struct {
	Config   string // path of its configuration
	Folder   string // existing folder for what AIDE writes; emptied of it first
	Baseline string // path of the input database
	// FolderWatched says that the baseline has an entry of the folder it lies in.
	FolderWatched bool
	// Own is the caller's own folder. AIDE looks neither at it, nor at the baseline and the
	// files beside it whose names begin with the baseline's name and OwnMark.
	Own string
	// SyslogFormat says that the configuration sets syslog_format, which only Red
	// Hat's 0.16 knows.
	SyslogFormat bool
	Weight       Weight
}

// OwnMark stands in the names of the node's files beside a baseline, behind the
// baseline's own name.
const OwnMark = ".aide-node-"

// Files that AIDE writes into a job's folder.
const (
	newDatabase   = "new.db"
	allReport     = "all"
	summaryReport = "summary"
	fullReport    = "report"
)

// NewDatabase is the path of the database that Init and Update write.
func (j Job) NewDatabase() string { return filepath.Join(j.Folder, newDatabase) }

// Update compares the files with the baseline and writes a new database. AIDE writes the
// reports that the configuration names as always, and three more into the job's folder: two
// summaries, which hold no name of a file, and a full report.
func (p Program) Update(ctx context.Context, j Job) (Outcome, Reports, error) {
	r := Reports{full: filepath.Join(j.Folder, fullReport), JSON: p.Version.JSON()}
	if p.Version.levels() {
		r.all, r.summary = filepath.Join(j.Folder, allReport), filepath.Join(j.Folder, summaryReport)
	}
	o, err := p.run(ctx, j, "--update")
	return o, r, err
}

// Init writes a new database of the files as they are.
func (p Program) Init(ctx context.Context, j Job) (Outcome, error) {
	return p.run(ctx, j, "--init")
}

func (p Program) run(ctx context.Context, j Job, mode string) (Outcome, error) {
	for _, name := range []string{newDatabase, allReport, summaryReport, fullReport} {
		if err := os.Remove(filepath.Join(j.Folder, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return Outcome{}, err
		}
	}
	c, err := p.command(j, mode)
	if err != nil {
		return Outcome{}, err
	}
	defer c.close()
	o, err := run(ctx, c)
	c.putPaths(&o)
	p.locate(&o, j.Config, c.ahead)
	if err == nil && !p.Version.levels() { // it says in its reports what it could not read
		err = o.Said.readReportAt(filepath.Join(j.Folder, fullReport))
	}
	return o, err
}

// Reports are what an update wrote.
type Reports struct {
	all     string // path; like summary, whatever the configuration ignores
	summary string // path; empty if the release knows no levels
	full    string // path
	JSON    bool   // the full report is JSON
}

// Full opens the full report.
func (r Reports) Full() (*os.File, error) { return regular.Open(r.full) }

// Counts reads two summaries: of the changes that the configuration lets AIDE report, and
// of all changes, to which the exit status belongs. Up to 0.16 both are the same.
func (r Reports) Counts() (told, all Summary, err error) {
	if r.summary == "" {
		f, err := regular.Open(r.full)
		if err != nil {
			return told, all, fmt.Errorf("AIDE wrote no report: %w", err)
		}
		defer func() { _ = f.Close() }()
		told, err = ReadSummary(f)
		return told, told, err
	}
	if told, err = readSummaryFile(r.summary); err == nil {
		all, err = readSummaryFile(r.all)
	}
	return told, all, err
}

// readSummaryFile reads a report that is nothing but a summary.
func readSummaryFile(path string) (Summary, error) {
	f, err := regular.Open(path)
	if err != nil {
		return Summary{}, fmt.Errorf("AIDE wrote no report: %w", err)
	}
	defer func() { _ = f.Close() }()
	const most = 64 << 10
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return Summary{}, fmt.Errorf("read %s: %w", path, err)
	}
	return ReadSummary(strings.NewReader(string(text)))
}

// Changes reads the names, and hands each to visit.
func (r Reports) Changes(visit func(Change) error) error {
	f, err := r.Full()
	if err != nil {
		return fmt.Errorf("AIDE wrote no full report: %w", err)
	}
	defer func() { _ = f.Close() }()
	if r.JSON {
		_, err := ReadJSON(f, visit)
		return err
	}
	return ReadPlain(f, visit)
}

// ChangesMultiline reads the names like Changes, with those given that hold
// newlines.
func (r Reports) ChangesMultiline(odd MultilineNames, visit func(Change) error) error {
	f, err := r.Full()
	if err != nil {
		return fmt.Errorf("AIDE wrote no full report: %w", err)
	}
	defer func() { _ = f.Close() }()
	return ReadMultiline(f, r.JSON, odd, visit)
}
