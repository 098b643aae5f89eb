package history

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) string { return id{noon.Add(-d), 1}.String() }

const day = 24 * time.Hour

func TestParseID(t *testing.T) {
	for _, good := range []string{"20261123T050000Z", "20261123T050000Z-2", "20261123T050000Z-999999999", "19700101T000000Z"} {
		i, err := parseID(good)
		assert.NoError(t, err, "parseID(%q)", good)
		assert.Equal(t, good, i.String(), "parseID(%q) = %v", good, i)
	}
	for _, bad := range []string{
		"", ".", "..", "/", "../../etc/passwd", "20261123T050000Z/..", "20261123T050000Z.json", "20261123T050000Z\x00", "20261123t050000z",
		"20261123T050000Z-", "20261123T050000Z-1", "20261123T050000Z-0", "20261123T050000Z-02", "20261123T050000Z--2", "20261123T050000Z-+2",
		"20261123T050000Z-2-2", "20261123T050000Z-9999999999", "20261323T050000Z", "20261123T250000Z", "20261123T050000.5Z", " 20261123T050000Z",
		"*", "20261123T05000?Z", strings.Repeat("2", 5000),
	} {
		i, err := parseID(bad)
		require.ErrorIs(t, err, ErrUnknown, "parseID(%.40q) = %v", bad, i)
		assert.LessOrEqual(t, len(err.Error()), 300, "parseID(%.40q)", bad)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("20261123T050000Z-2")
	f.Add("../20261123T050000Z")
	f.Fuzz(func(t *testing.T, s string) {
		if i, err := parseID(s); err == nil && (i.String() != s || strings.Trim(s, "0123456789TZ-") != "" || len(s) > 26) {
			t.Errorf("%q is taken for the id %s", s, i)
		}
	})
}

func TestWrite(t *testing.T) {
	f := In(t.TempDir())
	if err := os.Mkdir(string(f), 0o700); err != nil {
		t.Fatal(err)
	}
	// What a crash left behind is in nobody's way.
	if err := os.WriteFile(filepath.Join(string(f), unfinished), []byte("half a rep"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := ago(0)
	err := f.Write(name, JSON, iotest.ErrReader(errors.New("no more")))
	assert.ErrorContains(t, err, "no more", "a report that cannot be read")
	if files, _ := os.ReadDir(string(f)); len(files) > 0 {
		t.Errorf("it left %v behind", files)
	}
	if err := f.Write("../x", JSON, strings.NewReader("")); !errors.Is(err, ErrUnknown) {
		t.Errorf("an id that is a path: %v", err)
	}
	for _, k := range []Kind{JSON, Failed} {
		if err := f.Write(name, k, strings.NewReader(strings.Repeat("report\n", 1000))); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(f.path(name, k))
		require.NoError(t, err, k)
		assert.Equal(t, fs.FileMode(0o600), info.Mode(), "%s: %v", k, info)
		assert.LessOrEqual(t, info.Size(), int64(500), k)
	}
	reports, err := f.List()
	require.NoError(t, err)
	require.Len(t, reports, 1)
	assert.Equal(t, name, reports[0].ID)
	assert.Equal(t, []Kind{Failed, JSON}, reports[0].Kinds)
	assert.NotEqual(t, int64(0), reports[0].Size)
	assert.True(t, reports[0].Started.Equal(noon), "%s", reports[0].Started)
}

func TestNewID(t *testing.T) {
	f := Folder(filepath.Join(t.TempDir(), "[*]")) // a name that a pattern would not match
	for _, want := range []string{"", "-2", "-3", "-4", "-5", "-6", "-7", "-8", "-9", "-10", "-11"} {
		got, err := f.NewID(noon.Add(300 * time.Millisecond).In(time.FixedZone("", 3600)))
		require.NoError(t, err)
		require.Equal(t, "20261123T120000Z"+want, got)
		if err := os.MkdirAll(string(f), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := f.Write(got, Plain, strings.NewReader("")); err != nil {
			t.Fatal(err)
		}
	}
	reports, _ := f.List()
	first, last := reports[0].ID, reports[len(reports)-1].ID
	assert.Equal(t, "20261123T120000Z-11", first, "the newest is first")
	assert.Equal(t, "20261123T120000Z", last, "the newest is first")
}

func TestPrune(t *testing.T) {
	const zipped = 1000 // bytes of each file
	cases := map[string]struct {
		files []string
		age   time.Duration
		most  int64
		want  []string
	}{
		"nothing there":             {nil, day, 0, nil},
		"by age":                    {[]string{ago(0) + ".json.gz", ago(29*day) + ".json.gz", ago(31*day) + ".json.gz"}, 30 * day, 0, []string{ago(0) + ".json.gz", ago(29*day) + ".json.gz"}},
		"the newest is older":       {[]string{ago(50*day) + ".txt.gz", ago(60*day) + ".txt.gz"}, 30 * day, 0, []string{ago(50*day) + ".txt.gz"}},
		"no time at all":            {[]string{ago(0) + ".json.gz", ago(time.Second) + ".json.gz"}, 0, 0, []string{ago(0) + ".json.gz"}},
		"all files of a generation": {[]string{ago(0) + ".json.gz", ago(31*day) + ".json.gz", ago(31*day) + ".failed.gz"}, 30 * day, 0, []string{ago(0) + ".json.gz"}},
		"by bytes":                  {[]string{ago(0) + ".json.gz", ago(1*day) + ".json.gz", ago(2*day) + ".json.gz", ago(3*day) + ".json.gz"}, 30 * day, 2 * zipped, []string{ago(0) + ".json.gz", ago(1*day) + ".json.gz"}},
		"bytes to the last":         {[]string{ago(0) + ".json.gz", ago(1*day) + ".json.gz"}, 30 * day, 2 * zipped, []string{ago(0) + ".json.gz", ago(1*day) + ".json.gz"}},
		"the newest is larger":      {[]string{ago(0) + ".json.gz", ago(0) + ".failed.gz", ago(1*day) + ".json.gz"}, 30 * day, 1, []string{ago(0) + ".json.gz", ago(0) + ".failed.gz"}},
		"one second":                {[]string{ago(0) + ".json.gz", ago(0) + "-2.json.gz", ago(0) + "-10.json.gz"}, 30 * day, zipped, []string{ago(0) + "-10.json.gz"}},
		"clock set back":            {[]string{ago(-9*day) + ".json.gz", ago(0) + ".json.gz"}, 30 * day, zipped, []string{ago(0) + ".json.gz"}},
		"all in the future":         {[]string{ago(-9*day) + ".json.gz", ago(-8*day) + ".json.gz"}, 30 * day, zipped, []string{ago(-9*day) + ".json.gz"}},
		"foreign files": {
			[]string{ago(0) + ".json.gz", "20200101T000000Z.json", "20200101T000000Z-1.json.gz", "x20200101T000000Z.json.gz", "20200101T000000Z.json.gz.bak", "20200101.gz", "README", "20200101T000000Z.csv.gz"},
			day, 1,
			[]string{ago(0) + ".json.gz", "20200101T000000Z.json", "20200101T000000Z-1.json.gz", "x20200101T000000Z.json.gz", "20200101T000000Z.json.gz.bak", "20200101.gz", "README", "20200101T000000Z.csv.gz"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := Folder(t.TempDir())
			for _, file := range c.files {
				if err := os.WriteFile(filepath.Join(string(f), file), make([]byte, zipped), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.Prune(noon, c.age, c.most); err != nil {
				t.Fatal(err)
			}
			var left []string
			files, _ := os.ReadDir(string(f))
			for _, file := range files {
				left = append(left, file.Name())
			}
			if slices.Sort(c.want); !slices.Equal(left, c.want) {
				t.Errorf("left %q, want %q", left, c.want)
			}
		})
	}
}

// TestForeignKinds has files with the name of a report that are none: they are
// neither read nor removed.
func TestForeignKinds(t *testing.T) {
	f := Folder(t.TempDir())
	target := filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(target, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, f.path(ago(9*day), JSON)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.path(ago(8*day), JSON), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Prune(noon, 0, 1); err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(string(f)); len(files) != 2 {
		t.Errorf("left %v", files)
	}
	if _, err := f.Page(Query{ID: ago(9 * day), Limit: 1, Format: Text, Now: noon}); !errors.Is(err, ErrUnknown) {
		t.Errorf("a link is read: %v", err)
	}
}
