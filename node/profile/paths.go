package profile

import (
	"slices"
	"strings"
)

// Paths are the paths that a profile has AIDE look at, the closest first.
type Paths []string

// PathsOf reads the paths back from the rules that Rules made. Lines of others are passed
// over.
func PathsOf(rules string) (paths Paths) {
	for line := range strings.Lines(rules) {
		expression, attributes, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		text, ok := strings.CutSuffix(expression, "(/|$)")
		if !ok || !strings.HasPrefix(text, "/") || attributes != what && attributes != who {
			continue // the rules of AIDE's own configuration are no path of the profile
		}
		path := strings.NewReplacer(`\.`, ".", `\+`, "+", "[^/]*", "*").Replace(text)
		if validate(path) == nil && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// Covering is the closest of the paths that stands for a file; empty if none does.
func (p Paths) Covering(file string) string {
	for _, path := range p {
		if covers(path, file) {
			return path
		}
	}
	return ""
}
