package documents

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// pins are some for both architectures.
func pins() Pins {
	return Pins{Version: "0.1.0+3.g1a2b3c4", Packages: []Package{
		{"amd64", "https://s3.eu-central-1.amazonaws.com/my.bucket/aide-node/a.tar.gz", strings.Repeat("a", 64)},
		{"arm64", "https://s3.eu-central-1.amazonaws.com/my.bucket/aide-node/b.tar.gz", strings.Repeat("b", 64)},
	}}
}

func TestRender(t *testing.T) {
	both := pins()
	for _, tc := range []struct {
		name string
		pins Pins
		want []string // the steps
	}{
		{"both", both, []string{"downloadAmd64", "downloadArm64", "install"}},
		{"amd64", Pins{both.Version, both.Packages[:1]}, []string{"downloadAmd64", "install"}},
		{"arm64", Pins{both.Version, both.Packages[1:]}, []string{"downloadArm64", "install"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := tc.pins.Render()
			if err != nil {
				t.Fatal(err)
			}
			for _, problem := range lint(d.Content) {
				t.Error(problem)
			}
			var parsed document
			if err := yaml.Unmarshal([]byte(d.Content), &parsed); err != nil {
				t.Fatal(err)
			}
			var steps []string
			fetched := ""
			for _, s := range parsed.MainSteps {
				steps = append(steps, s.Name)
				fetched += s.Inputs.SourceInfo
			}
			if strings.Join(steps, " ") != strings.Join(tc.want, " ") {
				t.Errorf("steps %q, want %q", steps, tc.want)
			}
			script := parsed.MainSteps[len(steps)-1].Inputs.RunCommand[0]
			if !strings.Contains(script, "\nversion='0.1.0+3.g1a2b3c4'\n") {
				t.Error("the script does not know its version")
			}
			for _, arch := range architectures {
				digest := ""
				for _, p := range tc.pins.Packages {
					if p.Arch == arch {
						digest = p.SHA256
						if !strings.Contains(fetched, p.URL) {
							t.Errorf("%s is not fetched", p.URL)
						}
					}
				}
				if !strings.Contains(script, "\n"+arch+"='"+digest+"'\n") {
					t.Errorf("the script has another digest for %s than %q", arch, digest)
				}
			}
			require.Len(t, parsed.Parameters, 1, "parameters %v", parsed.Parameters)
			assert.NotEmpty(t, parsed.Parameters["to"].Type, "parameters %v, want only where it is put", parsed.Parameters)
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	const url = "https://s3.eu-central-1.amazonaws.com/bucket/"
	for name, edit := range map[string]func(*Pins){
		"no version":                       func(p *Pins) { p.Version = "" },
		"a quote in the version":           func(p *Pins) { p.Version = "0.1.0'" },
		"a line break behind the version":  func(p *Pins) { p.Version = "0.1.0\n" },
		"a version that is too long":       func(p *Pins) { p.Version = "0.1.0+" + strings.Repeat("a", 40) },
		"a mark":                           func(p *Pins) { p.Version = "@@VERSION@@" },
		"no package":                       func(p *Pins) { p.Packages = nil },
		"another architecture":             func(p *Pins) { p.Packages[0].Arch = "riscv64" },
		"no architecture":                  func(p *Pins) { p.Packages[0].Arch = "" },
		"two of one architecture":          func(p *Pins) { p.Packages[1].Arch = "amd64" },
		"a digest that is too short":       func(p *Pins) { p.Packages[0].SHA256 = strings.Repeat("a", 63) },
		"no digest":                        func(p *Pins) { p.Packages[0].SHA256 = "" },
		"a digest in capitals":             func(p *Pins) { p.Packages[0].SHA256 = strings.Repeat("A", 64) },
		"no address":                       func(p *Pins) { p.Packages[1].URL = "" },
		"no encryption":                    func(p *Pins) { p.Packages[1].URL = "http" + url[5:] + "x" },
		"no S3":                            func(p *Pins) { p.Packages[1].URL = "https://example.org/bucket/x" },
		"the bucket in the name":           func(p *Pins) { p.Packages[1].URL = "https://bucket.s3.eu-central-1.amazonaws.com/x/y" },
		"no key":                           func(p *Pins) { p.Packages[1].URL = url },
		"a quote in the key":               func(p *Pins) { p.Packages[1].URL = url + "a'b" },
		"the end of the JSON in the key":   func(p *Pins) { p.Packages[1].URL = url + `a"}` },
		"a parameter in the key":           func(p *Pins) { p.Packages[1].URL = url + "{{ssm:x}}" },
		"a plus sign in the key":           func(p *Pins) { p.Packages[1].URL = url + "a+b" },
		"an escape in the key":             func(p *Pins) { p.Packages[1].URL = url + "a%2Bb" },
		"an empty folder in the key":       func(p *Pins) { p.Packages[1].URL = url + "a//b" },
		"a line break in the key":          func(p *Pins) { p.Packages[1].URL = url + "a\nb" },
		"a key that is no end of the line": func(p *Pins) { p.Packages[1].URL = url + "a\n" },
	} {
		t.Run(name, func(t *testing.T) {
			p := pins()
			edit(&p)
			d, err := p.Render()
			require.Error(t, err, "the document is %.80q", d.Content)
			assert.True(t, strings.HasPrefix(err.Error(), "make AideFleet-Install: "), "%v", err)
		})
	}
}

// FuzzRender: whatever is pinned, what comes out is a sound document.
func FuzzRender(f *testing.F) {
	p := pins()
	f.Add(p.Version, p.Packages[0].Arch, p.Packages[0].URL, p.Packages[0].SHA256)
	f.Add("0.1.0", "arm64", "https://s3.cn-north-1.amazonaws.com.cn/b.c/x", strings.Repeat("0", 64))
	f.Add("0.1.0'; id #", "amd64", "https://s3.x.y/'", "")
	f.Fuzz(func(t *testing.T, version, arch, url, digest string) {
		d, err := Pins{version, []Package{{arch, url, digest}}}.Render()
		if err != nil {
			return
		}
		if problems := lint(d.Content); len(problems) > 0 {
			t.Errorf("%q", problems)
		}
	})
}
