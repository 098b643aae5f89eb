package main

import (
	"slices"
	"testing"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// spelled makes an AIDE that calls itself a release without JSON, and so writes its
// plain report as it spells names: as they are up to upstream 0.18.6, with escapes
// where the fix is in. What is given to sed is done to that report.
func (h host) spelled(a aidetest.AIDE, sed string) string {
	h.t.Helper()
	version, script := "0.17.4", "exec "+a.Path+` "$@"`
	if !a.Since(17) {
		version = "0.16.2"
	}
	if sed != "" {
		script = a.Path + ` "$@"; exit=$?; sed -i '` + sed + `' "` + h.state + `/run/report"; exit $exit`
	}
	return h.fakeOf(version, script)
}

// TestSpelled has a file whose name is what another file's name is written as, beside
// that file. Whichever was changed is named, and nobody else.
func TestSpelled(t *testing.T) {
	const newline, literal, twice = "tree/a\nb", `tree/a\012b`, `tree/a\134012b`
	type scenario struct {
		before []string // files that are there at init
		do     func(h host)
		want   []string
	}
	scenarios := map[string]scenario{
		"all are new":            {nil, func(h host) { h.write(newline, "1"); h.write(literal, "2"); h.write(twice, "3") }, []string{"+" + newline, "+" + literal, "+" + twice}},
		"the newline is new":     {[]string{literal}, func(h host) { h.write(newline, "1") }, []string{"+" + newline}},
		"the digits are new":     {[]string{newline}, func(h host) { h.write(literal, "1") }, []string{"+" + literal}},
		"the newline is changed": {[]string{newline, literal, twice}, func(h host) { h.write(newline, "1") }, []string{"~" + newline}},
		"the digits are changed": {[]string{newline, literal, twice}, func(h host) { h.write(literal, "1") }, []string{"~" + literal}},
		"both are changed":       {[]string{newline, literal}, func(h host) { h.write(literal, "1"); h.write(newline, "1") }, []string{"~" + literal, "~" + newline}},
		"the newline is gone":    {[]string{newline, literal, twice}, func(h host) { h.remove(newline) }, []string{"-" + newline}},
		"the digits are gone":    {[]string{newline, literal, twice}, func(h host) { h.remove(literal) }, []string{"-" + literal}},
		"one for the other":      {[]string{literal}, func(h host) { h.remove(literal); h.write(newline, "1") }, []string{"-" + literal, "+" + newline}},
		"changed, and new":       {[]string{literal}, func(h host) { h.write(literal, "1"); h.write(newline, "1") }, []string{"~" + literal, "+" + newline}},
		"escaped twice":          {[]string{newline, literal}, func(h host) { h.write(twice, "1") }, []string{"+" + twice}},
	}
	for build, sed := range map[string]string{"as it is": "", "controls alone": `s/\\134/\\/g`} {
		t.Run(build, func(t *testing.T) {
			aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
				if sed != "" && !a.Since(19) {
					t.Skip("up to 0.18 only some builds escape, and others would be edited wrongly")
				}
				fingerprints := make(map[string]string)
				for name, c := range scenarios {
					h := newHost(t, a)
					for _, file := range c.before {
						h.write(file, "0")
					}
					if l, text := h.run("init", "--aide", h.spelled(a, "")); l.Status != result.Clean {
						t.Fatalf("%s: init: %+v\n%s", name, l, text)
					}
					path := h.spelled(a, sed)
					c.do(h)
					l, text := h.run("check", "--aide", path)
					var want []string
					for _, p := range c.want {
						want = append(want, p[:1]+h.dir+"/"+p[1:])
					}
					slices.Sort(want)
					if got := slices.Sorted(slices.Values(l.Paths)); !slices.Equal(got, want) {
						t.Errorf("%s: paths %q, want %q\n%s", name, got, want, text)
					}
					if l.Fingerprint == "" {
						t.Errorf("%s: no fingerprint: %+v\n%s", name, l, text)
					}
					fingerprints[name] = l.Fingerprint
				}
				if fingerprints["the newline is new"] == fingerprints["the digits are new"] {
					t.Error("two changes have one fingerprint")
				}
			})
		})
	}
}
