package result

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// errKey is what keyset returns for a key that readers could take for another.
var errKey = errors.New("want lower-case letters, digits and _")

// keyset returns the keys of a line that have a value other than null, and refuses keys
// that readers could take in two ways: one that is there twice in an object, and one with
// other characters than ours have. Go's JSON package, for one, takes "STATUS" for "status"
// and the last of two. line is valid JSON, and an object.
func keyset(line []byte) (top []string, err error) {
	var objects [][]string // keys of the objects around, by depth; nil is an array
	wanted := false        // a string here is a key
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case '{':
			objects, wanted = append(objects, []string{}), true
		case '[':
			objects, wanted = append(objects, nil), false
		case '}', ']':
			objects = objects[:len(objects)-1]
		case ',':
			wanted = objects[len(objects)-1] != nil
		case '"':
			end := i + 1
			for line[end] != '"' {
				if line[end] == '\\' {
					end++
				}
				end++
			}
			text := line[i+1 : end]
			i = end
			if !wanted {
				continue
			}
			wanted = false
			key := string(text)
			if !isKey(key) {
				return nil, fmt.Errorf("key %.40q: %w", key, errKey)
			}
			depth := len(objects) - 1
			if slices.Contains(objects[depth], key) {
				return nil, fmt.Errorf("key %q is there twice", key)
			}
			objects[depth] = append(objects[depth], key)
			if depth == 0 && !isNull(line[i+1:]) {
				top = append(top, key)
			}
		}
	}
	return top, nil
}

func isKey(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != ""
}

// isNull says that what follows a key is null.
func isNull(rest []byte) bool {
	_, value, _ := bytes.Cut(rest, []byte{':'})
	return bytes.HasPrefix(bytes.TrimLeft(value, " \t\r\n"), []byte("null"))
}
