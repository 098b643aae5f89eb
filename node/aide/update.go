package aide

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"aidefleet/node/regular"
)

// Job is what AIDE is told beside its configuration.
type Job struct {
	Config   string // path of its configuration
	Folder   string // existing folder for what AIDE writes; emptied of it first
	Baseline string // path of the input database
	// Own is the caller's own folder. AIDE does not look at it, nor at the files
	// beside the baseline whose names begin with the baseline's and OwnMark.
	Own    string
	Weight Weight
}

// OwnMark stands in the names of the node's files beside a baseline, behind the
// baseline's own name.
const OwnMark = ".aide-node-"

// Files that AIDE writes into a job's folder.
const (
	newDatabase   = "new.db"
	summaryReport = "summary"
	fullReport    = "report"
)

// NewDatabase is the path of the database that Init and Update write.
func (j Job) NewDatabase() string { return filepath.Join(j.Folder, newDatabase) }

// Update compares the files with the baseline and writes a new database. The
// configuration's own reports go where they always go; two more go into the
// job's folder: a summary, which no file name can get into, and a full one.
func (p Program) Update(ctx context.Context, j Job) (Outcome, Reports, error) {
	r := Reports{full: filepath.Join(j.Folder, fullReport), JSON: p.Version.JSON()}
	var after []string
	if p.Version.levels() {
		r.summary = filepath.Join(j.Folder, summaryReport)
		// A target takes the options that stand before it.
		after = append(after, "report_quiet=no", "report_level=summary")
		if p.Version.JSON() {
			after = append(after, "report_format=plain")
		}
		after = append(after, "report_url=file:"+r.summary, "report_level=changed_attributes", "report_grouped=yes", "report_summarize_changes=yes")
		if p.Version.JSON() {
			after = append(after, "report_format=json")
		}
	}
	after = append(after, "report_url=file:"+r.full)
	o, err := p.run(ctx, j, "--update", after)
	return o, r, err
}

// Init writes a new database of the files as they are.
func (p Program) Init(ctx context.Context, j Job) (Outcome, error) {
	var after []string
	if !p.Version.levels() { // it says in its reports what it could not read
		after = []string{"report_url=file:" + filepath.Join(j.Folder, fullReport)}
	}
	return p.run(ctx, j, "--init", after)
}

func (p Program) run(ctx context.Context, j Job, mode string, after []string) (Outcome, error) {
	for _, name := range []string{newDatabase, summaryReport, fullReport} {
		if err := os.Remove(filepath.Join(j.Folder, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return Outcome{}, err
		}
	}
	// The first definition of database_out wins (0.16 to 0.19). The rules
	// keep the caller's own files out of what it reports.
	// So does that of the input: AIDE compares with what the caller has looked at.
	input := "database_in"
	if !p.Version.since(17) {
		input = "database"
	}
	before := "database_out=file:" + j.NewDatabase() + "\n" + input + "=file:" + j.Baseline + "\n!" + literal(j.Own) + "($|/)\n!" + literal(j.Baseline+OwnMark)
	args := []string{"--config=" + j.Config, "--before=" + before, mode}
	if p.Version.since(17) { // a configured log_level=error would hide what could not be read
		args = append(args, "--log-level=warning")
	}
	if j.Weight.Workers > 0 && p.Version.since(18) {
		args = append(args, "--workers="+strconv.Itoa(j.Weight.Workers))
	}
	if len(after) > 0 {
		args = append(args, "--after="+strings.Join(after, "\n"))
	}
	o, err := run(ctx, command{path: p.Path, args: args, weight: j.Weight})
	if err == nil && !p.Version.since(17) {
		err = o.Said.readReportAt(filepath.Join(j.Folder, fullReport))
	}
	return o, err
}

// literal is a path as a regular expression of AIDE's that matches only it.
func literal(path string) string {
	var b strings.Builder
	for _, r := range path {
		if strings.ContainsRune(`.+*?()[]{}|^$\`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Reports are what an update wrote.
type Reports struct {
	summary string // path; empty where the release knows no levels
	full    string // path
	JSON    bool   // the full report is JSON
}

// Full opens the full report.
func (r Reports) Full() (*os.File, error) { return regular.Open(r.full) }

// Counts reads the counts, from the summary where there is one.
func (r Reports) Counts() (Summary, error) {
	path := r.summary
	if path == "" {
		path = r.full
	}
	f, err := regular.Open(path)
	if err != nil {
		return Summary{}, fmt.Errorf("AIDE wrote no report: %w", err)
	}
	defer func() { _ = f.Close() }()
	if r.summary == "" {
		return ReadSummary(f)
	}
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

// ChangesKnown reads the names like Changes, with those given that hold
// newlines.
func (r Reports) ChangesKnown(odd OddNames, visit func(Change) error) error {
	f, err := r.Full()
	if err != nil {
		return fmt.Errorf("AIDE wrote no full report: %w", err)
	}
	defer func() { _ = f.Close() }()
	return ReadKnown(f, r.JSON, odd, visit)
}
