package packages

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"strings"
	"time"

	"aidefleet/node/regular"
)

// logs are where package managers tell of packages that they removed, the older file of
// each first, and how to read a line of it.
var logs = []struct {
	path string
	read func(line string) (p Package, at time.Time, ok bool)
}{
	{"/var/log/dpkg.log.1", dpkgRemoved}, {"/var/log/dpkg.log", dpkgRemoved},
	{"/var/log/dnf.rpm.log.1", dnfRemoved}, {"/var/log/dnf.rpm.log", dnfRemoved},
}

// Removed are the packages that were removed since a time, as the logs of this host know.
func Removed(since time.Time) (map[Package]bool, error) {
	removed := map[Package]bool{}
	for _, log := range logs {
		in, err := regular.Open(log.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		err = readLog(in, log.read, since, removed)
		_ = in.Close() // only read
		if err != nil {
			return nil, err
		}
	}
	return removed, nil
}

func readLog(in io.Reader, read func(string) (Package, time.Time, bool), since time.Time, removed map[Package]bool) error {
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, maxLine)
	for scan.Scan() {
		if p, at, ok := read(scan.Text()); ok && !at.Before(since.Truncate(time.Second)) {
			removed[p] = true
		}
	}
	return scan.Err()
}

// dpkgRemoved reads a line of dpkg's log (dpkg(1), --log):
//
//	2026-11-27 09:40:25 remove tool:all 1.0 <none>
func dpkgRemoved(line string) (p Package, at time.Time, ok bool) {
	words := strings.Fields(line)
	if len(words) != 6 || words[2] != "remove" {
		return p, at, false
	}
	at, err := time.ParseInLocation(time.DateTime, words[0]+" "+words[1], time.Local)
	// dpkg-query names the architecture only if there can be more than one.
	name, _, _ := strings.Cut(words[3], ":")
	return Package{name, words[4]}, at, err == nil
}

// dnfRemoved reads a line of DNF's log of what rpm did:
//
//	2026-11-27T09:40:25+0000 SUBDEBUG Erase: tool-1:1.0-1.noarch
func dnfRemoved(line string) (p Package, at time.Time, ok bool) {
	words := strings.Fields(line)
	if len(words) != 4 || words[1] != "SUBDEBUG" || words[2] != "Erase:" {
		return p, at, false
	}
	release := strings.LastIndex(words[3], "-")
	if release < 0 {
		return p, at, false
	}
	version := strings.LastIndex(words[3][:release], "-")
	if version < 0 {
		return p, at, false
	}
	at, err := time.Parse("2006-01-02T15:04:05-0700", words[0])
	return Package{words[3][:version], words[3][version+1:]}, at, err == nil
}
