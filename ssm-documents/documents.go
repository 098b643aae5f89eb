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

// MaxBytes is the largest document SSM takes (Systems Manager quotas: 64 KB).
const MaxBytes = 64 << 10

//go:embed *.yaml
var files embed.FS

// Document is one SSM document.
type Document struct {
	Name    string
	Content string // YAML, schema 2.2
}

// All returns every document that is whole without pins, sorted by name.
func All() []Document {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the files are part of the program
	}
	docs := make([]Document, 0, len(entries))
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), path.Ext(e.Name()))
		if name != Install {
			docs = append(docs, Document{Name: name, Content: read(e.Name())})
		}
	}
	return docs
}

func read(file string) string {
	b, err := files.ReadFile(file)
	if err != nil {
		panic(err) // the files are part of the program
	}
	return string(b)
}

// Get returns the document of that name.
func Get(name string) (Document, error) {
	for _, d := range All() {
		if d.Name == name {
			return d, nil
		}
	}
	return Document{}, fmt.Errorf("no document %q", name)
}
