package aide

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	// maxLine is the size of the buffer lines are read into, in bytes.
	maxLine = 64 << 10
	// longestLine bounds a line, in bytes: a path of 4,096 bytes with 64 KiB of
	// extended attributes, each byte encoded, has room several times over.
	longestLine = 4 << 20
)

// readLine returns the next line without its newline. It is valid until the
// next call. At the end it returns what is left, with io.EOF.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			if line, err = r.ReadSlice('\n'); len(long)+len(line) > longestLine {
				return nil, fmt.Errorf("a line has more than %d bytes", longestLine)
			}
			long = append(long, line...)
		}
		line = long
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return bytes.TrimSuffix(line, []byte("\n")), err
}
