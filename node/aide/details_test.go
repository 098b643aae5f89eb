package aide

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// told reads the details of the entries whose names do not end with "skipped".
func told(read func(in string, want func([]byte) bool, visit func([]byte, Detail) error) error, text string) (string, error) {
	var out strings.Builder
	err := read(text, func(name []byte) bool { return !strings.HasSuffix(string(name), "skipped") }, func(name []byte, d Detail) error {
		fmt.Fprintf(&out, "%q %s %s>%s%s\n", name, d.Attribute, d.Old, d.New, d.Line)
		return nil
	})
	return out.String(), err
}

func fromJSON(in string, want func([]byte) bool, visit func([]byte, Detail) error) error {
	return ReadDetails(strings.NewReader(in), want, visit)
}

func fromPlain(in string, want func([]byte) bool, visit func([]byte, Detail) error) error {
	return ReadPlainDetails(strings.NewReader(in), want, visit)
}

func TestReadDetails(t *testing.T) {
	for text, want := range map[string]string{
		`{"number_of_entries":{"total":1},"changed":{"/a":"f"}}`:                          "",
		`{"details":{"/a":{"size":{"old":1,"new":-2.5e3}}},"details":7`:                   "\"/a\" size 1>-2.5e3\n",
		`{"details":{"/skipped":{"size":{"old":[[["]}"]]]}},"/b":{"x":{"new":"\"\\"}}}}`:  "\"/b\" x >\"\\\n",
		`{"details":{"/a":{"acl":{"old":[],"new":["1",2,null]},"perm":{}}}}`:              "\"/a\" acl >1, 2, null\n\"/a\" perm >\n",
		`{"aide_version":"0.18.3","details":{"/\u0027\n":{"size":{"old":1,"new":2}}}}`:    "\"/\\x1b\\n\" size 1>2\n", // the code in decimal digits
		`{"aide_version":"0.19.3","details":{"/\u001b":{"lname":{"old":"a","new":"b"}}}}`: "\"/\\x1b\" lname a>b\n",
	} {
		got, err := told(fromJSON, text)
		assert.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{``, `[]`, `{"details":7}`, `{"details":{"/a":{"size":{"old":1`, `{"details":{"/a":{"size":{"old":` + strings.Repeat("1", 100) + `}}}}`, "{\"details\":{\"/\n"} {
		if got, err := told(fromJSON, text); !errors.Is(err, ErrInvalidJSON) {
			t.Errorf("%.40s: %q, %v, want %v", text, got, err, ErrInvalidJSON)
		}
	}
}

func TestReadPlainDetails(t *testing.T) {
	const ruler = "---------------------------------------------------\n"
	const title = ruler + "Detailed information about changes:\n" + ruler + "\n"
	for text, want := range map[string]string{
		"": "",
		ruler + "Changed entries:\n" + ruler + "\nf > : /a\n\nFile: /a\n Size : 1\n": "",
		title + "File: /a\n Size : 1 | 2\n         3 | 4\n\nCharacter device: /b: /c\n Perm : x\n\n\n" + ruler + "The attributes of the (uncompressed) database(s):\n" + ruler + "\n/db\n SHA256 : x\n": "" +
			"\"/a\"  > Size : 1 | 2\n\"/a\"  >         3 | 4\n\"/b: /c\"  > Perm : x\n",
		title + "File: /skipped\n Size : 1\n\nFile: /new\nline\n Size : 1": "\"/new\\nline\"  > Size : 1\n",
	} {
		got, err := told(fromPlain, text)
		assert.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
}

func FuzzReadDetails(f *testing.F) {
	seed(f, "testdata/corpus/*/check-*/stdout")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := told(fromJSON, text); err != nil && !errors.Is(err, ErrInvalidJSON) {
			t.Error(err)
		}
		if _, err := told(fromPlain, text); err != nil {
			t.Error(err)
		}
	})
}
