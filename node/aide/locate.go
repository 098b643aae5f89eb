package aide

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// sourceLine is a line of a configuration or of what it includes.
type sourceLine struct {
	path string
	n    int
	text string
}

// putPaths puts the paths that AIDE was told in place of the files it was given open.
func (c command) putPaths(o *Outcome) {
	for i, f := range c.files {
		number := fmt.Appendf(nil, "/proc/self/fd/%d", firstFile+i)
		o.Stderr = bytes.ReplaceAll(o.Stderr, number, []byte(f.Name()))
		o.Stdout = bytes.ReplaceAll(o.Stdout, number, []byte(f.Name()))
	}
}

// locate replaces the line number in a message of AIDE 0.16 about a configuration,
// "7:syntax error:word", by the file and the line. 0.16 counts all lines that it has read,
// with those of includes and those ahead of the host's configuration. Later releases name
// file and line themselves.
func (p Program) locate(o *Outcome, config string, ahead int) {
	if o.Exit != 0 && !p.Version.levels() {
		source, _ := readSource(config) // as far as it can be read
		var text []byte
		for line := range bytes.Lines(o.Stderr) {
			text = append(text, locateLine(string(line), source, ahead)...)
		}
		o.Stderr = text
	}
	o.Stderr = bytes.ReplaceAll(o.Stderr, []byte("\r"), []byte(`\r`)) // 0.16 and 0.17 do not take CR LF
}

// readSource reads a configuration with all it includes, in the order in which AIDE
// 0.16 does.
func readSource(config string) (source []sourceLine, err error) {
	host, _ := os.Hostname()
	r := configReader{ctx: context.Background(), host: host, given: true, defined: make(map[string]string), hash: sha256.New(), source: &source}
	err = r.file(config)
	return source, err
}

// withoutReports is a configuration as one text, with the includes written out, and without
// what makes AIDE 0.16 empty a report.
func withoutReports(config string) ([]byte, error) {
	source, err := readSource(config)
	var text []byte
	for _, line := range source {
		option := strings.TrimLeft(line.text, " \t")
		if !strings.HasPrefix(option, "@@include") && !strings.HasPrefix(option, "report_url") {
			text = append(text, line.text...)
		}
		text = append(text, '\n')
	}
	return text, err
}

// locateLine does so for one line, and returns any other line as it is.
func locateLine(line string, source []sourceLine, ahead int) string {
	digits, said, ok := strings.Cut(line, ":")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil {
		return line
	}
	at := n - ahead - 1
	what, word, _ := strings.Cut(said, ":")
	word = strings.TrimSuffix(word, "\n")
	// Inside a line 0.16 counts one too few, and in expressions, which it reads to their
	// end, one too many (conferror and the lines that call it in its conf_yacc.y).
	switch expression := strings.HasPrefix(what, "Error in "); {
	case word != "" && !expression:
		at++
	case word == "" && expression:
		at--
	}
	for _, near := range []int{at, at + 1, at - 1} {
		if near >= 0 && near < len(source) && strings.Contains(source[near].text, strings.TrimSpace(word)) {
			s := source[near]
			return fmt.Sprintf("%s:%d: %s: %s (line: '%s')\n", s.path, s.n, what, strings.TrimSpace(word), strings.Trim(s.text, " \t")) // as later releases
		}
	}
	return line
}
