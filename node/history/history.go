// Package history is what a host remembers: the reports of its checks, by generation, and
// the pages by which people read them.
package history

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aidefleet/node/wholefile"
)

// ErrUnknown says that there is no such report.
var ErrUnknown = errors.New("there is no such report")

// Folder holds the reports, each as ID.KIND.gz. Files with other names are not its own, and
// are left alone.
type Folder string

// In is the folder of reports within the node's own folder.
func In(state string) Folder { return Folder(filepath.Join(state, "reports")) }

// Kind says what a file holds.
type Kind string

// The kinds. A check that failed leaves Failed, and the report too if AIDE
// wrote one.
const (
	JSON   Kind = "json"   // AIDE's full report
	Plain  Kind = "txt"    // the same of AIDE before 0.18
	Failed Kind = "failed" // what AIDE said
	// Packages are the entries that packages explain, beside a report: a line each with the
	// digest of the name (baseline.NameOf) in hex, and the package's name and version.
	Packages Kind = "packages"
	// Groups are the groups of the changes, as WriteGroups writes them.
	Groups Kind = "groups"
)

// Report is one generation: what one check left behind.
type Report struct {
	ID      string
	Started time.Time // UTC, in full seconds
	Size    int64     // bytes on disk
	Kinds   []Kind    // sorted
	id      id
}

func (r Report) has(k Kind) bool { return slices.Contains(r.Kinds, k) }

// unfinished is the report being written. A crash leaves at most one.
const unfinished = "unfinished"

func (f Folder) path(id string, k Kind) string {
	return filepath.Join(string(f), id+"."+string(k)+".gz")
}

// NewID names the report of a check by its start. The caller holds the lock, so that no
// other check takes the same id.
func (f Folder) NewID(started time.Time) (string, error) {
	reports, err := f.List()
	if err != nil {
		return "", err
	}
	i := id{started.UTC().Truncate(time.Second), 1}
	for _, r := range slices.Backward(reports) { // of one second, the lowest number first
		if r.id.started.Equal(i.started) && r.id.number >= i.number {
			i.number = r.id.number + 1
		}
	}
	return i.String(), nil
}

// Write keeps a report, compressed. It is there as a whole or not at all.
func (f Folder) Write(id string, k Kind, report io.Reader) error {
	if _, err := parseID(id); err != nil {
		return err
	}
	path := f.path(id, k)
	err := wholefile.Write(path, wholefile.Options{Half: filepath.Join(string(f), unfinished)}, func(w io.Writer) error {
		// More compression would take longer than a check with many changes may.
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is valid
		_, err := io.Copy(z, report)
		return errors.Join(err, z.Close())
	})
	if err != nil {
		return fmt.Errorf("keep report %s: %w", path, err)
	}
	return nil
}

// List returns the reports, newest first. Without a folder there are none.
func (f Folder) List() ([]Report, error) {
	files, err := os.ReadDir(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var reports []Report         // oldest first
	for _, file := range files { // sorted by name, so that kinds are too
		name, kind, ok := split(file.Name())
		i, err := parseID(name)
		if !ok || err != nil || !file.Type().IsRegular() {
			continue
		}
		info, err := file.Info()
		if err != nil {
			continue // it was pruned just now
		}
		at, found := slices.BinarySearchFunc(reports, i, func(r Report, i id) int { return r.id.compare(i) })
		if !found {
			reports = slices.Insert(reports, at, Report{ID: name, Started: i.started, id: i})
		}
		reports[at].Size += info.Size()
		reports[at].Kinds = append(reports[at].Kinds, kind)
	}
	slices.Reverse(reports)
	return reports, nil
}

// split takes ID.KIND.gz apart.
func split(name string) (id string, k Kind, ok bool) {
	name, zipped := strings.CutSuffix(name, ".gz")
	id, kind, _ := strings.Cut(name, ".")
	k = Kind(kind)
	return id, k, zipped && (slices.Contains([]Kind{JSON, Plain, Failed, Packages, Groups}, k))
}

// newest is the index of the latest report. Reports that seem to come from the future are
// of a time before the clock was set back, and are passed over.
func newest(reports []Report, now time.Time) int {
	for at, r := range reports {
		if !r.Started.After(now) {
			return at
		}
	}
	return 0
}

// Prune removes reports older than age, and the oldest while all take more than
// most bytes on disk, unless that is 0. The newest is never removed.
func (f Folder) Prune(now time.Time, age time.Duration, most int64) error {
	reports, err := f.List()
	if err != nil {
		return err
	}
	var size int64
	for _, r := range reports {
		size += r.Size
	}
	last := newest(reports, now)
	var failed error
	for at, r := range slices.Backward(reports) {
		if at == last || now.Sub(r.Started) <= age && (most == 0 || size <= most) {
			continue
		}
		size -= r.Size
		for _, k := range r.Kinds {
			failed = errors.Join(failed, os.Remove(f.path(r.ID, k)))
		}
	}
	return failed
}
