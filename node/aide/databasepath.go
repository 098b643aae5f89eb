package aide

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// inWords are the characters, beside letters and digits, of a word in 0.16 (C in its
// conf_lex.l). Its letters beyond ASCII, those of Latin-1, are left out here.
const inWords = `_\=$%@&/!^~;:.,?{}()[]<>-+*|'` + "`"

// option takes what an option says about databases. The first definition wins.
func (r *configReader) option(name, value string) (err error) {
	switch name {
	case "database", "database_in":
		if r.given || r.database != "" {
			return nil
		}
		if want := r.version.input(); want != "" && want != name && (name == "database_in" || r.version.since(19)) {
			return fmt.Errorf("%s: AIDE %s refuses it: it calls it %s", name, r.version, want)
		}
		r.database, err = r.databasePath(name, value)
	case "database_out":
		if r.newDatabase == "" { // one that is no file is of no use here, and AIDE's own matter
			r.newDatabase, _ = r.databasePath(name, value)
		}
	case "report_url":
		if path, err := r.databasePath(name, value); err == nil { // else it is no file
			r.reports = append(r.reports, path)
		}
	case "syslog_format":
		r.syslogFormat = true
	}
	return err
}

// input is what a release calls the input database; empty if the release is not known.
// 0.17 and 0.18 take the name that 0.16 has, too.
func (v Version) input() string {
	switch {
	case v == Version{}:
		return ""
	case !v.since(17):
		return "database"
	}
	return "database_in"
}

// databasePath is the path that the value of an option stands for, as the release at
// hand reads it (parse_url in its util.c or commandconf.c; each form was tried with
// 0.16.2, 0.17.4, 0.18.3, 0.18.8, 0.19.1 and 0.19.3).
func (r *configReader) databasePath(name, value string) (string, error) {
	url, err := r.word(strings.TrimLeft(value, " "))
	if err != nil {
		return "", fmt.Errorf("%s=%s: %w", name, value, err)
	}
	kind, path, _ := strings.Cut(url, ":")
	if kind != "file" {
		if strings.ContainsAny(url, `"'`) {
			return "", fmt.Errorf("%s=%s: only file: can be a baseline, and AIDE takes no quotes", name, url)
		}
		return "", fmt.Errorf("%s=%s: only file: can be a baseline", name, url)
	}
	if host, ok := strings.CutPrefix(path, "//"); ok {
		host, rest, slash := strings.Cut(host, "/")
		switch {
		case !slash:
			return "", fmt.Errorf("%s=%s: there is no path behind the host", name, url)
		case host != "" && r.version.since(17):
			// It compares the host with all that stands behind the slashes.
			return "", fmt.Errorf("%s=%s: AIDE %s refuses every host: write file:/%s", name, url, r.version, rest)
		case host != "" && host != "localhost" && host != r.host:
			return "", fmt.Errorf("%s=%s: AIDE takes no host but localhost or %s", name, url, r.host)
		}
		path = "/" + rest
	}
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("%s=%s: want an absolute path", name, url)
	}
	return "/" + strings.TrimLeft(path, "/"), nil
}

// word reads the one word that a line has for a value, with its macros. Only a comment
// may stand behind it.
func (r *configReader) word(s string) (word string, err error) {
	rest := ""
	if r.version != (Version{}) && !r.version.since(17) {
		s = r.expand(s)
		end := strings.IndexFunc(s, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(inWords, c)
		})
		if word = s; end >= 0 {
			word, rest = s[:end], s[end:]
		}
	} else {
		word, rest = r.escapedWord(s)
	}
	if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != '#' {
		return "", errors.New("AIDE takes one word, and behind it a comment: here it ends before " + fmt.Sprintf("%.20q", rest))
	}
	return word, nil
}

// escapedWord reads a word as releases from 0.17 on do: up to white space, with \ before
// a space, an @ or a \ that belongs to it. A macro's value is taken as it is.
func (r *configReader) escapedWord(s string) (word, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ' || c == '\t':
			return b.String(), s[i:]
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`\@ `, s[i+1]) >= 0:
			i++
			b.WriteByte(s[i])
		case strings.HasPrefix(s[i:], "@@{") && strings.Contains(s[i:], "}"):
			end := i + strings.Index(s[i:], "}")
			b.WriteString(r.expand(s[i : end+1]))
			i = end
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
