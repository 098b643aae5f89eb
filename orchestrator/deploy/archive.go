package deploy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// errNotThere is returned for an archive without the file.
var errNotThere = errors.New("it is not in the archive")

// extract returns at most the first bytes of a regular file in a tar.gz.
func extract(archive []byte, name string, most int64) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	files := tar.NewReader(io.LimitReader(z, maxProgram))
	for {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			err = errNotThere
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if head.Name == name && head.Typeflag == tar.TypeReg {
			return io.ReadAll(io.LimitReader(files, most))
		}
	}
}
