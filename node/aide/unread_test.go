package aide

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestUnreadOf has what the releases print, of single lines.
func TestUnreadOf(t *testing.T) {
	for line, want := range map[string]string{ // the path
		// 0.17
		"WARNING: get_file_status: lstat() failed for /a: File name too long":                                                   "/a",
		"WARNING: open_dir() failed for /a b: Permission denied":                                                                "/a b",
		"WARNING: hash calculation: open() failed for /a: b: Permission denied":                                                 "/a: b",
		"WARNING: hash calculation: fstat() failed for '/a': Stale file handle":                                                 "/a",
		"WARNING: hash calculation: error mmap'ing '/a': No such device":                                                        "/a",
		"WARNING: hash calculation: '/a' has been changed (changed attributes: s+c+m, hash could not be calculated)":            "/a",
		"WARNING: tried to read access ACL on /a but failed with: Input/output error":                                           "/a",
		"WARNING: listxattrs failed for /a:Permission denied":                                                                   "/a",
		"WARNING: hash calculation: update_md() failed for '/a'":                                                                "/a",
		"WARNING: hash calculation: update_md() failed for '/it's'":                                                             "/it's",
		"WARNING: hash calculation: gzdopen() failed for /a (uncompressed hashsums could not be calculated)":                    "/a",
		"WARNING: opendir() failed for '/a' (fullpath: '/a'): Permission denied":                                                "/a",
		"WARNING: hash calculation: open() failed for /a: Permission denied (hashsums could not be calculated)":                 "/a",
		"WARNING: hash calculation: number of bytes read (9) mismatches stat size (3) for '/a', was file growing (consider 'x'": "/a",
		"WARNING: readlink() failed for '/a': Input/output error":                                                               "/a",
		// 0.19
		"WARNING: failed to access '/it's a': File name too long (skipping)":                                                                           "/it's a",
		"WARNING: failed to open regular file '/a' for reading: open() failed: Permission denied (disabling attrs requiring read permissions: sha256)": "/a",
		"WARNING: '/a' has changed (changed fields: s+c+m, increased size) during hash calculation, was file growing":                                  "/a",
		"WARNING: lgetxattr() failed to get value of extended attribute 'user.x' for '/a': Permission denied (discarding extended attribute)":          "/a",
		"WARNING: of a release to come: '/a' is too old":                                                                                               "/a' is too old",
	} {
		var w Warnings
		_, _ = w.Write([]byte(line + "\n"))
		if w.Unread.Entries != 1 {
			t.Errorf("%s: %d entries unread, want 1", line, w.Unread.Entries)
		}
		if want == "/a' is too old" { // an end that is not known
			want = "/a"
		}
		if w.Unread.First != want {
			t.Errorf("%s: %q is unread, want %q", line, w.Unread.First, want)
		}
		if w.Lines != 1 {
			t.Errorf("%s: %d warnings, want 1", line, w.Lines)
		}
	}
}

// TestHarmless has warnings that name a file, and mean none that was not read.
func TestHarmless(t *testing.T) {
	for _, line := range []string{
		"WARNING: /etc/aide.conf:3: Using 'verbose' is DEPRECATED. Update your config and use '/x' instead (line: 'verbose=5')",
		"WARNING: /etc/aide.conf.d/10 (stdout):3: group '/a' (line: 'x')",
		"WARNING: (--before):1: something about '/a'",
		"WARNING: file:/var/lib/aide.db:7: old database entry '/srv/a' has no matching rule, run --init or --update (this warning is only shown once)",
		"WARNING: file:/var/lib/aide.db:7: duplicate database entry found for '/a' (skip line)",
		"WARNING: Dead symlink detected at /a",
		"WARNING: cannot compare hashsums of old:'/a' and new:'/a' (no common hashsum(s) available)",
		"WARNING: /a: gcry_md_enable (md5) failed for '/a'",
		"WARNING: gethostname failed: Function not implemented",
		"WARNING: rule tree is empty, no files will be added to the database",
	} {
		var w Warnings
		_, _ = w.Write([]byte(line + "\n"))
		if w.Unread.Entries != 0 {
			t.Errorf("%s: %+v, want nothing", line, w.Unread)
		}
		if w.Lines != 1 {
			t.Errorf("%s: %d warnings, want 1", line, w.Lines)
		}
	}
	var w Warnings
	_, _ = w.Write([]byte("  ERROR: open_dir() failed for /a: x\n NOTICE: /a mtime in future\n"))
	if w.Unread.Entries+w.Lines != 0 {
		t.Errorf("%+v of what is no warning", w)
	}
}

// TestUnreadOf16 has what 0.16 writes into its reports.
func TestUnreadOf16(t *testing.T) {
	const report = "gcry_md_enable 7 failedgcry_md_enable 7 faileddo_md(): open() for /srv/secret failed: Permission denied\n" +
		"get_file_status: lstat() failed for /srv/deep: File name too long\n" +
		"open_dir(): Permission denied: /srv/folder\n" +
		"Entry /srv/busy was changed so that hash cannot be calculated for it\n" +
		"Attribute size has been changed\n" +
		"Entry /srv/secret in databases has different attributes: 24020003d 20020003d\n" +
		"Start timestamp: 2026-11-26 00:45:27 +0000 (AIDE 0.16.2)\n"
	var w Warnings
	s, err := w.ReadReportFile(strings.NewReader(report + "AIDE found NO differences between database and filesystem. Looks okay!!\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Unread{4, "/srv/secret"}); w.Unread != want {
		t.Errorf("%+v, want %+v", w.Unread, want)
	}
	if s.Quiet {
		t.Error("a report is told to be none")
	}
	for text, quiet := range map[string]bool{
		"": true, "\n\n": true, "gcry_md_enable 7 failedgcry_md_enable 7 failed": true,
		"gcry_md_enable 7 failedopen_dir(): Permission denied: /srv/folder\n": true,
		"WARNING: something\n": true, "Cannot open /x for reading\n": false, "garbage": false,
	} {
		var w Warnings
		s, err := w.ReadReportFile(strings.NewReader(text))
		assert.NoError(t, err, text)
		assert.Equal(t, quiet, s.Quiet, "%q: %+v", text, s)
	}
}

// TestUnreadOnce counts an entry once, however often AIDE speaks of it.
func TestUnreadOnce(t *testing.T) {
	var w Warnings
	for range 3 {
		_, _ = w.Write([]byte("WARNING: listxattrs failed for /a:No\nWARNING: hash calculation: open() failed for /a: No\nWARNING: failed to access '/b': No (skipping)\n"))
	}
	if w.Unread.Entries != 2 {
		t.Errorf("%d entries, want 2", w.Unread.Entries)
	}
	if w.Lines != 9 {
		t.Errorf("%d warnings, want 9", w.Lines)
	}
}

// FuzzWarnings holds that what is said does not depend on how it comes, and that a
// line more takes nothing away.
func FuzzWarnings(f *testing.F) {
	f.Add([]byte("WARNING: failed to access '/a': No (skipping)\nx"), 3)
	f.Add([]byte("open_dir(): No: /a\nWARNING: x /y"), 1)
	f.Fuzz(func(t *testing.T, text []byte, at int) {
		var whole, parts, more Warnings
		_, _ = whole.Write(text)
		whole.end()
		at = min(max(at, 0), len(text))
		_, _ = parts.Write(text[:at])
		_, _ = parts.Write(text[at:])
		parts.end()
		assert.Equal(t, parts.Unread, whole.Unread)
		assert.Equal(t, parts.Lines, whole.Lines)
		if len(whole.Unread.First) > maxLine {
			t.Errorf("the first has %d bytes", len(whole.Unread.First))
		}
		_, _ = more.Write([]byte("WARNING: failed to access '/it is not in text/': No (skipping)\n"))
		_, _ = more.Write(text)
		more.end()
		if more.Unread.Entries < whole.Unread.Entries {
			t.Errorf("%d entries with one more, %d without", more.Unread.Entries, whole.Unread.Entries)
		}
		if _, err := whole.ReadReportFile(strings.NewReader(string(text))); err != nil {
			return // a line without end
		}
	})
}
