package profile

import (
	"cmp"
	"slices"
	"strings"
)

// What AIDE compares. AIDE 0.16 to 0.19 know all of it, whatever they were built with, and
// FIPS mode allows it. X is the ACL, the SELinux label, extended attributes and
// capabilities, as far as the build has them (aide.conf(5), and setdefaults_before_config
// in AIDE's aide.c). Inodes and times are left out, because they change when nothing else
// does, and so is the size of folders.
const (
	who  = "p+ftype+u+g+X"
	what = "p+ftype+l+u+g+s+X+sha256"
	// all also has the digest that Amazon Linux, RHEL and SLES take: AIDE compares
	// only attributes that the baseline has too.
	all = what + "+sha512"
)

// Rules is the profile in AIDE's language, a rule a line behind a comment. It
// depends on the paths alone and not on their order: it can be compared with
// what a host has. An empty profile has none.
//
// The files that are named are those of AIDE's configuration. They are looked at
// whatever the profile says of the folders above them, so that rules which let AIDE
// see less are seen themselves.
//
// AIDE takes the rule whose path up to the first * has the most folders, and of
// those the first. So deeper paths come first, and names before patterns; where
// a host's own configuration names a folder below a path, that rule holds there.
func (p Profile) Rules(files ...string) string {
	if p.Len() == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("# Written by aide-node configure, which also replaces and removes it.\n")
	for _, path := range ordered(p.paths[Exclude]) {
		b.WriteString("!" + expression(path) + "\n")
	}
	for _, path := range files {
		b.WriteString(expression(writable(path)) + " " + all + "\n")
	}
	kinds := make(map[string]Kind)
	for _, k := range []Kind{Watch, Permissions} {
		for _, path := range p.paths[k] {
			kinds[path] = k
		}
	}
	for _, path := range ordered(slices.Concat(p.paths[Watch], p.paths[Permissions])) {
		if kinds[path] == Permissions {
			b.WriteString(expression(path) + " " + who + "\n")
			continue
		}
		b.WriteString(expression(path) + " d " + who + "\n")
		b.WriteString(expression(path) + " " + what + "\n")
	}
	return b.String()
}

// Excludes returns the path of the profile that keeps AIDE from looking at a file; empty if
// there is none.
func (p Profile) Excludes(file string) string {
	for _, path := range p.paths[Exclude] {
		if covers(path, file) {
			return path
		}
	}
	return ""
}

// writable is a path with a * for each character that a rule cannot hold.
func writable(path string) string {
	return strings.Map(func(r rune) rune {
		if inPath(r) {
			return r
		}
		return '*'
	}, strings.ReplaceAll(path, "@@", "**")) // only two of them begin a macro
}

// ordered sorts paths. Of two paths that stand for a file the closer one comes first.
func ordered(paths []string) []string {
	return slices.SortedFunc(slices.Values(paths), func(a, b string) int {
		return cmp.Or(
			cmp.Compare(strings.Count(b, "/"), strings.Count(a, "/")),
			cmp.Compare(strings.Count(a, "*"), strings.Count(b, "*")),
			cmp.Compare(a, b),
		)
	})
}

// expression is a path as a regular expression of AIDE's. AIDE matches the beginning of a
// path, so the expression ends at the end of a name: /srv/app is not /srv/app2.
func expression(path string) string {
	return strings.NewReplacer(".", `\.`, "+", `\+`, "*", "[^/]*").Replace(path) + "(/|$)"
}
