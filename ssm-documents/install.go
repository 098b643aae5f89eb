package documents

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Package is one archive of the node, as packaging/dist builds it.
type Package struct {
	Arch   string // amd64 or arm64
	URL    string // https://s3.REGION.DOMAIN/BUCKET/KEY
	SHA256 string // of the archive, in hex
}

// Pins are what AideFleet-Install installs. They are a part of the document, so that the
// caller who runs it cannot change them.
type Pins struct {
	Version  string
	Packages []Package // at most one of each architecture
}

// What a pin may hold: nothing that a shell, JSON or YAML would read as more than text.
var (
	versionPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+~-]{0,39}$`)
	urlPattern     = regexp.MustCompile(`^https://s3\.[a-z0-9-]{1,32}\.[a-z.]{3,32}/[a-z0-9.-]{3,63}/[A-Za-z0-9._/-]{1,512}$`)
	digestPattern  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// architectures are those that have a step in the document.
var architectures = []string{"amd64", "arm64"}

// Render makes the document that installs what is pinned. It has no step for an
// architecture without a package.
func (p Pins) Render() (Document, error) {
	values, err := p.values()
	if err != nil {
		return Document{}, fmt.Errorf("make %s: %w", Install, err)
	}
	content := read(Install + ".yaml")
	var pairs []string
	for _, arch := range architectures {
		mark := strings.ToUpper(arch)
		if values[mark+"_URL"] == "" {
			content = withoutStep(content, "download"+strings.ToUpper(arch[:1])+arch[1:])
		}
		pairs = append(pairs, "@@"+mark+"_URL@@", values[mark+"_URL"], "@@"+mark+"_SHA256@@", values[mark+"_SHA256"])
	}
	content = strings.NewReplacer(append(pairs, "@@VERSION@@", values["VERSION"])...).Replace(content)
	if strings.Contains(content, "@@") {
		return Document{}, fmt.Errorf("make %s: something is left to be pinned", Install)
	}
	return Document{Name: Install, Content: content}, nil
}

// values are the pins, by the marks that they replace.
func (p Pins) values() (map[string]string, error) {
	if !versionPattern.MatchString(p.Version) {
		return nil, fmt.Errorf("version %.60q: want one such as 0.1.0, as aide-node version prints it", p.Version)
	}
	if len(p.Packages) == 0 {
		return nil, errors.New("there is no package to pin")
	}
	values := map[string]string{"VERSION": p.Version}
	for _, k := range p.Packages {
		mark := strings.ToUpper(k.Arch)
		switch {
		case k.Arch != "amd64" && k.Arch != "arm64":
			return nil, fmt.Errorf("architecture %.20q: want amd64 or arm64", k.Arch)
		case values[mark+"_URL"] != "":
			return nil, fmt.Errorf("two packages for %s", k.Arch)
		case !urlPattern.MatchString(k.URL) || strings.Contains(k.URL[len("https://"):], "//"):
			return nil, fmt.Errorf("address %.200q: want https://s3.REGION.amazonaws.com/BUCKET/KEY, and in the key only letters, digits and . _ - /", k.URL)
		case !digestPattern.MatchString(k.SHA256):
			return nil, fmt.Errorf("digest %.80q: want 64 hexadecimal digits", k.SHA256)
		}
		values[mark+"_URL"], values[mark+"_SHA256"] = k.URL, k.SHA256
	}
	return values, nil
}

// withoutStep removes a step, up to the next one.
func withoutStep(content, name string) string {
	const begin = "\n  - name: "
	before, step, found := strings.Cut(content, begin+name+"\n")
	_, after, more := strings.Cut(step, begin)
	if !found || !more {
		panic("no step " + name + " in the document") // a test renders every combination
	}
	return before + begin + after
}
