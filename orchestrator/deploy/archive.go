package deploy

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// block is the unit of a tar archive, in bytes.
const block = 512

// errNotThere is returned for an archive without the file.
var errNotThere = errors.New("it is not in the archive")

// extract returns at most the first bytes of a regular file in a tar.gz of the
// ustar format with short names, which is what packaging/dist writes (POSIX, pax,
// "ustar Interchange Format"). The archive/tar of the standard library would be 110
// KB of this program.
func extract(archive []byte, name string, most int64) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	r := io.LimitReader(z, maxProgram)
	head := make([]byte, block)
	for {
		if _, err := io.ReadFull(r, head); err != nil {
			return nil, fmt.Errorf("%s: %w", name, noMore(err))
		}
		if bytes.Count(head, []byte{0}) == block {
			return nil, fmt.Errorf("%s: %w", name, errNotThere)
		}
		if string(head[257:262]) != "ustar" || !sound(head) {
			return nil, errors.New("it is no ustar archive")
		}
		size, err := octal(head[124:136])
		if err != nil {
			return nil, fmt.Errorf("size of a file in the archive: %w", err)
		}
		if kind := head[156]; text(head[:100]) == name && (kind == '0' || kind == 0) {
			content, err := io.ReadAll(io.LimitReader(r, min(size, most)))
			if err == nil && int64(len(content)) < min(size, most) {
				err = io.ErrUnexpectedEOF
			}
			return content, err
		}
		if _, err := io.CopyN(io.Discard, r, (size+block-1)/block*block); err != nil {
			return nil, fmt.Errorf("%s: %w", name, noMore(err))
		}
	}
}

// noMore says that an archive ended before the file came.
func noMore(err error) error {
	if errors.Is(err, io.EOF) {
		return errNotThere
	}
	return err
}

// sound holds a head against its checksum: the sum of its bytes, with blanks in
// the place of the checksum itself.
func sound(head []byte) bool {
	want, err := octal(head[148:156])
	sum := int64(8 * ' ')
	for i, b := range head {
		if i < 148 || i >= 156 {
			sum += int64(b)
		}
	}
	return err == nil && sum == want
}

func octal(field []byte) (int64, error) {
	return strconv.ParseInt(strings.Trim(text(field), " "), 8, 40)
}

// text is a field up to its first zero byte.
func text(field []byte) string {
	before, _, _ := bytes.Cut(field, []byte{0})
	return string(before)
}
