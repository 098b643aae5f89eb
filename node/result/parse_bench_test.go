package result

import (
	"strings"
	"testing"
)

// BenchmarkParse reads a line as a host with changes sends it: a sweep reads one a host.
func BenchmarkParse(b *testing.B) {
	l := Line{Status: Drift, Counts: &Counts{Changed: 12, Total: 50000}, Fingerprint: strings.Repeat("0a", 16), AIDE: "0.18.6", Node: "0.1.0",
		Baseline: &Baseline{SHA256: strings.Repeat("0", 64)}, Config: strings.Repeat("1", 64), Next: strings.Repeat("2", 64)}
	for range 12 {
		l.Paths = append(l.Paths, "~/usr/lib/x86_64-linux-gnu/libssl.so.3")
	}
	line, err := l.Encode()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Parse(line); err != nil {
			b.Fatal(err)
		}
	}
}
