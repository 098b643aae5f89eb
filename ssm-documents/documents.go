// Package documents holds the SSM documents of this folder, as they are
// published to an account: the only code that runs on a host besides aide-node.
package documents

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

// The documents by the name they have in an account.
const (
	Accept    = "AideFleet-Accept"
	Check     = "AideFleet-Check"
	Configure = "AideFleet-Configure"
	Doctor    = "AideFleet-Doctor"
	Init      = "AideFleet-Init"
	Report    = "AideFleet-Report"

	// Install is not among All: what it installs is pinned in it, see Pins.
	Install = "AideFleet-Install"
)

// pinDefault is how AideFleet-Check is published without a pin of the node.
const pinDefault = "to run whatever is there.\"\n    default: \""

// PinNode makes the programs with these SHA-256 the only ones that AideFleet-Check runs, if
// its caller names no others. Other documents are as they were.
func PinNode(d Document, digests ...string) (Document, error) {
	for _, digest := range digests {
		if !digestPattern.MatchString(digest) {
			return d, fmt.Errorf("pin aide-node: digest %.80q: want 64 hexadecimal digits", digest)
		}
	}
	if d.Name != Check {
		return d, nil
	}
	before, after, found := strings.Cut(d.Content, pinDefault+"\"\n")
	if !found {
		panic("no place for a pin in " + d.Name) // a test pins it
	}
	d.Content = before + pinDefault + strings.Join(digests, ",") + "\"\n" + after
	return d, nil
}

// Unpin is the content of a document without a pin of the node.
func Unpin(content string) string {
	before, after, found := strings.Cut(content, pinDefault)
	pin, rest, ended := strings.Cut(after, "\"")
	if !found || !ended || strings.Trim(pin, "0123456789abcdef,") != "" {
		return content
	}
	return before + pinDefault + "\"" + rest
}

//go:embed *.yaml *.sh
var files embed.FS

// Document is one SSM document.
type Document struct {
	Name    string
	Content string // YAML, schema 2.2
}

// All returns every document that is complete without pins, sorted by name.
func All() []Document {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the files are part of the program
	}
	docs := make([]Document, 0, len(entries))
	for _, e := range entries {
		if path.Ext(e.Name()) != ".yaml" {
			continue
		}
		name := strings.TrimSuffix(e.Name(), path.Ext(e.Name()))
		if name != Install {
			docs = append(docs, Document{Name: name, Content: read(e.Name())})
		}
	}
	return docs
}

// shared are the parts that several scripts have, by the line that stands for each. A host
// gets only the document, so that the document has to be complete.
var shared = map[string][]string{
	"          @@ONLY_ROOT@@\n": {"only-root.sh"},
	"          @@FIND_NODE@@\n": {"only-root.sh", "find-node.sh"},
}

// read returns a document with the shared parts of its script.
func read(file string) string {
	content := text(file)
	for line, parts := range shared {
		var script strings.Builder
		for _, part := range parts {
			for l := range strings.Lines(text(part)) {
				if l != "\n" {
					l = line[:strings.IndexByte(line, '@')] + l
				}
				script.WriteString(l)
			}
		}
		content = strings.ReplaceAll(content, line, script.String())
	}
	return content
}

func text(file string) string {
	b, err := files.ReadFile(file)
	if err != nil {
		panic(err) // the files are part of the program
	}
	return string(b)
}
