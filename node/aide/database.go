package aide

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ErrDatabase says that a database is not one AIDE finished writing. AIDE up to
// 0.18 gives false counts for such a database instead of an error.
var ErrDatabase = errors.New("not a complete AIDE database")

// ErrNoEntry says that a database is complete and names no file.
var ErrNoEntry = fmt.Errorf("%w: it holds no entry", ErrDatabase)

func badDatabase(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDatabase, fmt.Sprintf(format, args...))
}

// Entry is one line of a database. It is valid until the next one is read.
type Entry struct {
	fields  [][]byte
	columns []string
	name    int    // the column that holds the name
	line    []byte // as it is written, without its end
}

// Name is the entry's path, as the file system has it.
func (e Entry) Name() []byte { return decodeName(e.fields[e.name]) }

// Line is the entry as it is written, without its end.
func (e Entry) Line() []byte { return e.line }

// Attributes hands each other column and its value, as they are written.
func (e Entry) Attributes(visit func(column string, value []byte)) {
	for i, value := range e.fields {
		if i != e.name {
			visit(e.columns[i], value)
		}
	}
}

// ReadDatabase reads a database, compressed or not, and hands each entry to
// visit, which may be nil. The error wraps ErrDatabase unless r or visit failed.
// The form is the same from 0.16 to 0.19: a begin and an end marker, comments,
// @@db_spec with the columns, one line an entry. Only 0.16 may lack the end marker.
func ReadDatabase(r io.Reader, visit func(Entry) error) (Database, error) {
	in := bufio.NewReaderSize(r, maxLine)
	magic, err := in.Peek(2)
	switch {
	case errors.Is(err, io.EOF) && len(magic) == 0:
		return Database{}, badDatabase("it is empty")
	case err != nil && !errors.Is(err, io.EOF):
		return Database{}, fmt.Errorf("read database: %w", err)
	}
	zipped := string(magic) == "\x1f\x8b"
	if zipped {
		z, err := gzip.NewReader(in)
		if err != nil {
			return Database{}, compressed(err)
		}
		in = bufio.NewReaderSize(z, maxLine)
	}
	d := databaseReader{Database: Database{Zipped: zipped}, visit: visit}
	for {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return Database{}, compressed(err)
		}
		if len(line) > 0 {
			d.open = err != nil
			if err := d.line(line); err != nil {
				return Database{}, err
			}
		}
		if err != nil {
			return d.Database, d.end()
		}
	}
}

// compressed tells damage from a file that cannot be read.
func compressed(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || isCorrupt(err) {
		return badDatabase("its compressed data is damaged or cut short (%v)", err)
	}
	return fmt.Errorf("read database: %w", err)
}

type databaseReader struct {
	Database
	visit func(Entry) error
	entry Entry
	begun bool
	open  bool // the last line had no newline
	lines int
}

func (d *databaseReader) line(line []byte) error {
	d.lines++
	switch {
	case d.Marked:
		return badDatabase("line %d: something stands behind @@end_db", d.lines)
	case line[0] == '#':
		d.comment(string(line))
		return nil
	case !d.begun:
		if !bytes.Equal(line, []byte("@@begin_db")) {
			return badDatabase("line %d: it does not begin with @@begin_db", d.lines)
		}
		d.begun = true
		return nil
	case bytes.HasPrefix(line, []byte("@@db_spec ")):
		return d.spec(line)
	case isEnd(line):
		d.Marked, d.Keyed = true, len(bytes.Fields(line)) > 1
		return nil
	case d.entry.columns == nil:
		return badDatabase("line %d: an entry before @@db_spec", d.lines)
	}
	d.entry.line = line
	d.entry.fields = split(d.entry.fields[:0], line)
	if len(d.entry.fields) != len(d.entry.columns) {
		return badDatabase("line %d: %d fields instead of %d", d.lines, len(d.entry.fields), len(d.entry.columns))
	}
	if d.entry.fields[d.entry.name][0] != '/' {
		return badDatabase("line %d: the name %.40q is not a path", d.lines, d.entry.fields[d.entry.name])
	}
	d.Entries++
	if d.visit == nil {
		return nil
	}
	return d.visit(d.entry)
}

func (d *databaseReader) spec(line []byte) error {
	if d.entry.columns != nil {
		return badDatabase("line %d: a second @@db_spec", d.lines)
	}
	for _, column := range split(nil, line)[1:] {
		d.Columns = append(d.Columns, string(column))
		d.times = d.times || bytes.HasSuffix(column, []byte("time"))
	}
	d.entry.columns = d.Columns
	d.entry.name = slices.Index(d.Columns, "name")
	if d.entry.name < 0 {
		return badDatabase("line %d: @@db_spec without a name", d.lines)
	}
	return nil
}

func (d *databaseReader) end() error {
	switch {
	case !d.begun:
		return badDatabase("it does not begin with @@begin_db")
	case !d.Marked && (d.open || !d.mayLackMark(d.entry.columns)):
		return badDatabase("it does not end with @@end_db: it was cut short after %d entries", d.Entries)
	case d.Entries == 0:
		return ErrNoEntry
	}
	return nil
}

// split appends the space-separated fields of a line to fields.
func split(fields [][]byte, line []byte) [][]byte {
	for len(line) > 0 {
		field, rest, _ := bytes.Cut(line, []byte(" "))
		if len(field) > 0 {
			fields = append(fields, field)
		}
		line = rest
	}
	return fields
}

// decodeName undoes the percent-encoding of names in databases.
func decodeName(b []byte) []byte {
	if bytes.IndexByte(b, '%') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) {
			if hi, lo := unhex(b[i+1]), unhex(b[i+2]); hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, b[i])
	}
	return out
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// isCorrupt says whether gzip found data that is none of its own.
func isCorrupt(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt)
}
