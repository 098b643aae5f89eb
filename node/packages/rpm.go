package packages

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rpmPath is where every distribution with rpm has it.
const rpmPath = "/usr/bin/rpm"

// rpm asks RPM. It checks the header of each package that it reads as RPM does, by its
// signature or digest, and leaves out one that does not fit.
type rpm struct{ options []string }

func (rpm) String() string { return "rpm" }

// Of rpm's lib/rpmfiles.h and rpmpgp.h.
const (
	rpmConfig       = 1 << 0 // RPMFILE_CONFIG: people change it
	rpmGhost        = 1 << 6 // RPMFILE_GHOST: the package does not hold it
	rpmStateNormal  = 0      // RPMFILE_STATE_NORMAL
	rpmFieldsOfFile = 12
)

// rpmDigests are the algorithms of files' digests by number (RFC 4880, 9.4). Packages
// without a number are old, and have MD5.
var rpmDigests = map[string]string{"(none)": "md5", "": "md5", "1": "md5", "2": "sha1", "8": "sha256", "10": "sha512"}

// rpmVersion prints the version with epoch, release and architecture.
const rpmVersion = `%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH}`

// rpmFormat prints a line for each file. The path is last: it may hold a tab.
const rpmFormat = `[%{=NAME}\t%|EPOCH?{%{=EPOCH}:}|%{=VERSION}-%{=RELEASE}.%{=ARCH}\t%{=FILEDIGESTALGO}\t%{FILEFLAGS}\t%{FILESTATES}\t` +
	`%{FILEMODES}\t%{FILEUSERNAME}\t%{FILEGROUPNAME}\t%{FILEDIGESTS}\t%{FILECAPS}\t%{FILELINKTOS}\t%{FILENAMES}\n]`

func (r rpm) files(ctx context.Context, q Query, see func(Package), put func(File) error) error {
	numbers, err := r.installedSince(ctx, q, see)
	if err != nil || len(numbers) == 0 {
		return err
	}
	put = withParents(put)
	args := slices.Concat(r.options, []string{"--query", "--queryformat", rpmFormat, "--querybynumber"}, numbers)
	return run(ctx, q.Weight, func(line string) error {
		f, counts, err := rpmFile(line)
		if err != nil || !counts {
			return err
		}
		return put(f)
	}, rpmPath, args...)
}

// installedSince are the numbers of the recent packages in the database.
func (r rpm) installedSince(ctx context.Context, q Query, see func(Package)) (numbers []string, err error) {
	args := slices.Concat(r.options, []string{"--query", "--all", "--queryformat", `%{DBINSTANCE}\t%{INSTALLTIME}\t%{NAME}\t` + rpmVersion + `\n`})
	return numbers, run(ctx, q.Weight, func(line string) error {
		part := strings.Split(line, "\t")
		if len(part) != 4 {
			return unreadable(line)
		}
		number := part[0]
		if _, err := strconv.ParseUint(number, 10, 32); err != nil {
			return unreadable(line)
		}
		see(Package{part[2], part[3]})
		recent, err := isRecent(part[1], q.Since)
		if err != nil {
			return unreadable(line)
		}
		if recent {
			numbers = append(numbers, number)
		}
		return nil
	}, rpmPath, args...)
}

// isRecent says that a time in seconds since 1970 is not before another one, which is cut to
// the second like it.
func isRecent(seconds string, since time.Time) (bool, error) {
	at, err := strconv.ParseInt(seconds, 10, 64)
	return at >= since.Unix(), err
}

// rpmFile reads the line of a file. Files that a package does not install, or that people
// are to change, do not count.
func rpmFile(line string) (f File, counts bool, err error) {
	part := strings.SplitN(line, "\t", rpmFieldsOfFile)
	if len(part) < rpmFieldsOfFile {
		return f, false, unreadable(line)
	}
	path := part[11]
	if path == "(none)" {
		return f, false, nil // the package has no files
	}
	algorithm, known := rpmDigests[part[2]]
	flags, err1 := strconv.ParseUint(part[3], 10, 32)
	state, err2 := strconv.ParseInt(part[4], 10, 8)
	mode, err3 := strconv.ParseInt(part[5], 10, 32) // old releases print it with a sign
	if err1 != nil || err2 != nil || err3 != nil || path == "" || path[0] != '/' {
		return f, false, unreadable(line)
	}
	f = File{
		Path: path, Package: Package{part[0], part[1]}, Mode: uint32(uint16(mode)), User: part[6], Group: part[7],
		Digest: part[8], Algorithm: algorithm, Target: part[10],
	}
	if part[9] != "(none)" {
		f.Capabilities = part[9]
	}
	return f, known && flags&(rpmConfig|rpmGhost) == 0 && state == rpmStateNormal, nil
}

func unreadable(line string) error { return fmt.Errorf("it printed what cannot be read: %.200q", line) }
