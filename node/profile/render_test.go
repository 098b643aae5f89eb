package profile

import (
	"strings"
	"testing"
)

// TestRulesOfFiles: the rules of AIDE's configuration are the first of those that
// select, and hold whatever its name is.
func TestRulesOfFiles(t *testing.T) {
	p, err := Parse(strings.NewReader("exclude /srv/x\npermissions /etc\n"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `# Written by aide-node configure, which also replaces and removes it.
!/srv/x(/|$)
/etc/aide\.conf(/|$) p+ftype+l+u+g+s+X+sha256+sha512
/etc/my[^/]*dir@x/a[^/]*[^/]*b(/|$) p+ftype+l+u+g+s+X+sha256+sha512
/etc(/|$) p+ftype+u+g+X
`
	if got := p.Rules("/etc/aide.conf", "/etc/my dir@x/a@@b"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := (Profile{}).Rules("/etc/aide.conf"); got != "" {
		t.Errorf("no profile has the rules %q", got)
	}
	for file, want := range map[string]string{"/srv/x": "/srv/x", "/srv/x/aide.conf": "/srv/x", "/srv/xy": "", "/etc/aide.conf": ""} {
		if got := p.Excludes(file); got != want {
			t.Errorf("%s is excluded by %q, want %q", file, got, want)
		}
	}
}
