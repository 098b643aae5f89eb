package ledger

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// VersionError is of an object that another version of this program wrote.
type VersionError struct {
	Object  string
	Version int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has version %d, this program reads version %d; use the version that wrote it, or another --ledger", e.Object, e.Version, Version)
}

// BrokenError is of an object that cannot be read as what it is.
type BrokenError struct {
	Object string
	Err    error
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("%s is broken: %v; restore it (an S3 bucket of the stack keeps versions), or move it away", e.Object, e.Err)
}

func (e *BrokenError) Unwrap() error { return e.Err }

// IsObjectError says that objects were read, and some are not what they should be.
func IsObjectError(err error) bool {
	var broken *BrokenError
	var version *VersionError
	return errors.As(err, &broken) || errors.As(err, &version)
}

// object names an object for people.
func (l *Ledger) object(key string) string { return l.Store.String() + "/" + key }

// versioned is what every object begins with.
type versioned struct {
	V int `json:"v"`
}

// check says whether an object is of this version.
func (v versioned) check(object string) error {
	if v.V != Version {
		return &VersionError{object, v.V}
	}
	return nil
}

// readJSON reads an object that is one value, and returns its version in the store.
func (l *Ledger) readJSON(ctx context.Context, key string, into any) (string, error) {
	data, version, err := l.Store.Read(ctx, key)
	if err != nil {
		return "", err
	}
	var v versioned
	if err := json.Unmarshal(data, &v); err != nil {
		return "", &BrokenError{l.object(key), err}
	}
	if err := v.check(l.object(key)); err != nil {
		return "", err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return "", &BrokenError{l.object(key), err}
	}
	return version, nil
}

// readLines reads an object of gzipped JSON lines, a line at a time.
func (l *Ledger) readLines(key string, data []byte, line func(d *json.Decoder) error) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return &BrokenError{l.object(key), err}
	}
	for d := json.NewDecoder(unzipped); ; {
		err := line(d)
		var version *VersionError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &version):
			return err
		case err != nil:
			return &BrokenError{l.object(key), err}
		}
	}
}

// unzip is the whole of a gzipped object.
func (l *Ledger) unzip(key string, data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err == nil {
		data, err = io.ReadAll(r)
	}
	if err != nil {
		return nil, &BrokenError{l.object(key), err}
	}
	return data, nil
}

// zipped is what write writes, gzipped.
func zipped(write func(io.Writer) error) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := write(z); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
