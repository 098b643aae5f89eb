package aide

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

type configReader struct {
	ctx         context.Context // of the programs it runs
	env         []string        // of those programs, beside AIDE's
	version     Version         // of AIDE; none if it is not known
	host        string
	defined     map[string]string
	hash        hash.Hash
	database    string
	newDatabase string
	dropIn      string
	unsaid      []error
	given       bool // the database is known already
	depth       int  // of includes

	reports      []string
	syslogFormat bool
	source       *[]sourceLine // if it is wanted: the lines in the order in which 0.16 counts them
}

// maxDepth bounds includes that include themselves.
const maxDepth = 16

// condition is one open @@if.
type condition struct {
	holds bool // the branch at hand
	outer bool // whether what stands around it holds
}

func (r *configReader) file(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would block
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	return r.lines(path, f, false)
}

// lines reads the lines of a file, or what a program printed. The comments that a program
// prints may differ each time, and are left out of the digest.
func (r *configReader) lines(path string, in io.Reader, printed bool) (err error) {
	if r.depth++; r.depth > maxDepth {
		return fmt.Errorf("%s: includes are nested more than %d deep", path, maxDepth)
	}
	defer func() { r.depth-- }()
	var open []condition
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
	lines.Split(scanLine)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		void := text == "" || text[0] == '#'
		if !void || !printed {
			_, _ = r.hash.Write(append(lines.Bytes(), '\n')) // never fails (hash.Hash)
		}
		if !void {
			if open, err = r.line(text, open); err != nil {
				return fmt.Errorf("%s:%d: %w", path, n, err)
			}
		}
		if r.source != nil { // the end of a line that includes comes behind what it includes
			*r.source = append(*r.source, sourceLine{path, n, lines.Text()})
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(open) > 0 {
		return fmt.Errorf("%s: an @@if without @@endif", path)
	}
	return nil
}

// scanLine splits into lines as bufio.ScanLines does, but for a carriage return, which
// some releases do not take.
func scanLine(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// line acts on one line and returns the conditions that are open behind it.
func (r *configReader) line(text string, open []condition) ([]condition, error) {
	holds := len(open) == 0 || open[len(open)-1].holds
	text, ok := strings.CutPrefix(text, "@@")
	if !ok || strings.HasPrefix(text, "{") {
		if name, value, ok := strings.Cut(text, "="); ok && holds {
			return open, r.option(strings.TrimSpace(name), value)
		}
		return open, nil
	}
	word, argument, _ := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	argument = strings.TrimSpace(argument)
	switch word {
	case "ifdef", "ifndef", "ifhost", "ifnhost", "if":
		return append(open, condition{holds: holds && r.test(word, argument), outer: holds}), nil
	case "else", "endif":
		if len(open) == 0 {
			return open, fmt.Errorf("@@%s without @@if", word)
		}
		last := open[len(open)-1]
		open = open[:len(open)-1]
		if word == "else" {
			open = append(open, condition{holds: last.outer && !last.holds, outer: last.outer})
		}
		return open, nil
	}
	if !holds {
		return open, nil
	}
	switch word {
	case "define":
		name, value, _ := strings.Cut(argument, " ")
		value, err := r.word(strings.TrimSpace(value))
		r.defined[name] = value
		return open, err
	case "undef":
		delete(r.defined, argument)
	case "x_include_setenv":
		name, value, _ := strings.Cut(argument, " ")
		return open, r.setenv(name, r.expand(strings.TrimSpace(value)))
	case "include":
		return open, r.include(r.expand(argument), false)
	case "x_include":
		return open, r.include(r.expand(argument), true)
	}
	return open, nil
}

// include reads a file, or those files of a folder whose names match: FILE, or
// FOLDER REGEX [PREFIX]. An @@x_include runs the files that are executable.
func (r *configReader) include(argument string, execute bool) error {
	words := strings.Fields(argument)
	switch len(words) {
	case 0:
		return errors.New("@@include without a file")
	case 1:
		return r.included(words[0], execute)
	}
	names, unsaid := compile(words[1])
	if unsaid != nil {
		r.unsaid = append(r.unsaid, fmt.Errorf("@@include %s: %w", argument, unsaid))
	}
	if err := Trusted(words[0]); err != nil {
		return err
	}
	for _, name := range dropIns {
		// A prefix would stand before the paths of its rules.
		if r.dropIn == "" && unsaid == nil && len(words) == 2 && names.match(name) && !names.match(HalfWritten(name)) {
			r.dropIn = filepath.Join(words[0], name)
		}
	}
	files, err := os.ReadDir(words[0])
	if err != nil {
		return err
	}
	for _, f := range files { // in the order of their names, as AIDE reads them
		path := filepath.Join(words[0], f.Name())
		if !names.match(f.Name()) {
			continue
		}
		include := r.included
		if unsaid != nil {
			include = r.maybeIncluded
		}
		err := include(path, execute)
		switch {
		case err == nil, unsaid != nil && r.given && !errors.Is(err, ErrUntrusted): // AIDE may not read it
		case unsaid != nil:
			return fmt.Errorf("%w; @@include %s: %w; --database can say where the baseline is", err, argument, unsaid)
		default:
			return err
		}
	}
	return nil
}

// maybeIncluded reads a file of which it is not known whether AIDE includes it. It does not
// run a program, since AIDE may not.
func (r *configReader) maybeIncluded(path string, execute bool) error {
	if info, err := os.Stat(path); err == nil && execute && info.Mode()&0o100 != 0 {
		return Trusted(path)
	}
	return r.included(path, execute)
}

// included reads a file, or what it prints if it is a program that is to be run.
func (r *configReader) included(path string, execute bool) error {
	if err := Trusted(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil || !info.Mode().IsRegular():
		return err
	case execute && info.Mode()&0o100 != 0: // as AIDE asks (S_IXUSR)
		return r.program(path)
	}
	return r.file(path)
}

// test says whether a condition holds. A form that is not known does not: 0.18 and later
// also compare versions and ask what exists, but no configuration needs that to name its
// database.
func (r *configReader) test(word, argument string) bool {
	negated := word == "ifndef" || word == "ifnhost"
	switch word {
	case "if":
		words := strings.Fields(argument)
		if len(words) > 0 && words[0] == "not" {
			negated, words = true, words[1:]
		}
		if len(words) != 2 {
			return false
		}
		word, argument = words[0], words[1]
	case "ifdef", "ifndef":
		word = "defined"
	default:
		word = "hostname"
	}
	switch word {
	case "defined":
		_, ok := r.defined[argument]
		return ok != negated
	case "hostname":
		return (argument == r.host) != negated
	case "exists":
		_, err := os.Stat(r.expand(argument))
		return (err == nil) != negated
	}
	return false
}

// expand replaces @@{NAME}; a name that is not defined is empty. HOSTNAME is
// defined by AIDE itself.
func (r *configReader) expand(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "@@{")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return b.String() + s
		}
		value, ok := r.defined[name]
		if !ok && name == "HOSTNAME" {
			value = r.host
		}
		b.WriteString(before)
		b.WriteString(value)
		s = after
	}
}
