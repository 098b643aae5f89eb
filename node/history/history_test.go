package history

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) string { return id{noon.Add(-d), 1}.String() }

const day = 24 * time.Hour

func TestParseID(t *testing.T) {
	for _, good := range []string{"20261123T050000Z", "20261123T050000Z-2", "20261123T050000Z-999999999", "19700101T000000Z"} {
		if i, err := parseID(good); err != nil || i.String() != good {
			t.Errorf("parseID(%q) = %v, %v", good, i, err)
		}
	}
	for _, bad := range []string{
		"", ".", "..", "/", "../../etc/passwd", "20261123T050000Z/..", "20261123T050000Z.json", "20261123T050000Z\x00", "20261123t050000z",
		"20261123T050000Z-", "20261123T050000Z-1", "20261123T050000Z-0", "20261123T050000Z-02", "20261123T050000Z--2", "20261123T050000Z-+2",
		"20261123T050000Z-2-2", "20261123T050000Z-9999999999", "20261323T050000Z", "20261123T250000Z", "20261123T050000.5Z", " 20261123T050000Z",
		"*", "20261123T05000?Z", strings.Repeat("2", 5000),
	} {
		if i, err := parseID(bad); !errors.Is(err, ErrUnknown) || len(err.Error()) > 300 {
			t.Errorf("parseID(%.40q) = %v, %v", bad, i, err)
		}
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
	if err := f.Write(name, JSON, iotest.ErrReader(errors.New("no more"))); err == nil || !strings.Contains(err.Error(), "no more") {
		t.Errorf("a report that cannot be read: %v", err)
	}
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
		if info, err := os.Stat(f.path(name, k)); err != nil || info.Mode() != 0o600 || info.Size() > 500 {
			t.Errorf("%s: %v, %v", k, info, err)
		}
	}
	reports, err := f.List()
	if err != nil || len(reports) != 1 || reports[0].ID != name || !slices.Equal(reports[0].Kinds, []Kind{Failed, JSON}) ||
		reports[0].Size == 0 || !reports[0].Started.Equal(noon) {
		t.Errorf("%+v, %v", reports, err)
	}
}

func TestNewID(t *testing.T) {
	f := Folder(filepath.Join(t.TempDir(), "[*]")) // a name that a pattern would not match
	for _, want := range []string{"", "-2", "-3", "-4", "-5", "-6", "-7", "-8", "-9", "-10", "-11"} {
		got, err := f.NewID(noon.Add(300 * time.Millisecond).In(time.FixedZone("", 3600)))
		if err != nil || got != "20261123T120000Z"+want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		if err := os.MkdirAll(string(f), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := f.Write(got, Plain, strings.NewReader("")); err != nil {
			t.Fatal(err)
		}
	}
	reports, _ := f.List()
	if first, last := reports[0].ID, reports[len(reports)-1].ID; first != "20261123T120000Z-11" || last != "20261123T120000Z" {
		t.Errorf("from %s to %s, want the newest first", first, last)
	}
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
