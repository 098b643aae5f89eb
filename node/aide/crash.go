package aide

import (
	"bytes"
	"context"
	"encoding/base64"
	"strconv"
	"syscall"
	"time"
)

// Crashed says that AIDE ended by a fault of its own, which a file or a database has
// triggered. SIGKILL does not count: it comes from outside.
func (o Outcome) Crashed() bool {
	switch o.Signal {
	case syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGILL, syscall.SIGFPE:
		return true
	}
	return false
}

// lastFileTime bounds a second run that is to find out where the first one crashed.
const lastFileTime = 10 * time.Minute

// LastFile is the path that AIDE looked at last before it crashed. It lets AIDE read the
// files again, and name each one (get_file_attrs in its source, 0.17 to 0.19). The path is
// empty if AIDE does not crash again, crashes later, or names no file, as 0.16. LastFile
// writes to the job's folder, and to none of the reports that the configuration names.
func (p Program) LastFile(ctx context.Context, j Job) string {
	if !p.Version.levels() {
		return ""
	}
	bound := lastFileTime
	if deadline, ok := ctx.Deadline(); ok { // there has to be time for an answer
		bound = min(bound, time.Until(deadline)*9/10)
	}
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	j.Weight.Workers = 1 // what several do at once cannot be told apart
	c, err := p.command(j, "--init")
	if err != nil {
		return ""
	}
	defer c.close()
	c.args = append([]string{"--before=report_quiet=yes", "--log-level=debug"}, c.args...)
	var looked lastLooked
	c.stderr = &looked
	o, err := run(ctx, c)
	if err != nil || ctx.Err() != nil || !o.Crashed() {
		return ""
	}
	return string(looked.path)
}

// lastLooked reads AIDE's log as it is written, and keeps the path that it was at.
type lastLooked struct {
	line []byte // the beginning of one that has not ended
	path []byte
}

// longestLog bounds how much of a line is kept, in bytes: a path has at most 4,096.
const longestLog = 16 << 10

func (l *lastLooked) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		part := rest
		if end >= 0 {
			part = rest[:end]
		}
		l.line = append(l.line, part[:min(len(part), longestLog-len(l.line))]...)
		if end < 0 {
			break
		}
		l.read()
		l.line, rest = l.line[:0], rest[end+1:]
	}
	return len(p), nil
}

// read takes the path out of a whole line. A name with a newline in it, or with the
// words behind it, is cut: it is a hint for a person.
func (l *lastLooked) read() {
	if bytes.Contains(l.line, []byte(": write new entries to database")) {
		l.path = nil // all files are read
		return
	}
	_, path, ok := bytes.Cut(l.line, []byte("get file attributes '"))
	if !ok {
		return
	}
	path, _, _ = bytes.Cut(path, []byte("' (fullpath: '"))
	l.path = append(l.path[:0], bytes.TrimSuffix(path, []byte("'"))...)
}

// latest is the last second that has a year that fits into localtime(3).
const latest = 67768036191676799

// StrangeTime says that an entry has a time that no calendar has. 0.18.8 writes a
// time before 1970 so, and crashes when it prints one (fixed in 0.19: "Fix writing of
// negative time values").
func (e Entry) StrangeTime() (strange bool) {
	e.Attributes(func(column string, value []byte) {
		if column != "mtime" && column != "ctime" && column != "atime" {
			return
		}
		// Up to 0.18 times are in base64, from 0.19 on they are numbers.
		for _, text := range [][]byte{value, decoded(value)} {
			if n, err := strconv.ParseUint(string(text), 10, 64); err == nil && n > latest {
				strange = true
			}
		}
	})
	return strange
}

func decoded(value []byte) []byte {
	text, err := base64.StdEncoding.AppendDecode(nil, value)
	if err != nil {
		return nil
	}
	return text
}
