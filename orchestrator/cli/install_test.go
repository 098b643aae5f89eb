package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBadInputOfInstall(t *testing.T) {
	isolate(t)
	empty := t.TempDir()
	broken := t.TempDir()
	sums := strings.Repeat("0", 64) + "  aide-node_0.1.0_linux_amd64.tar.gz\n"
	for name, content := range map[string]string{"SHA256SUMS": sums, "aide-node_0.1.0_linux_amd64.tar.gz": "x"} {
		if err := os.WriteFile(filepath.Join(broken, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ args, want string }{
		{"install", "no target"},
		{"install --tag env=prod", "no bucket: give --bucket"},
		{"install --tag env=prod --bucket Upper", `bucket "Upper": want 3 to 63`},
		{"install --tag env=prod --bucket s3://bucket", `bucket "s3://bucket"`},
		{"install --tag env=prod --bucket bucket --prefix /x", `prefix "/x"`},
		{"install --tag env=prod --bucket bucket --bucket-region x", `--bucket-region: region "x"`},
		{"install --tag env=prod --bucket bucket --to opt", `--to "opt": want an absolute path`},
		{"install --tag env=prod --bucket bucket --to /opt/../etc", `--to "/opt/../etc": want an absolute path`},
		{"install --tag env=prod --bucket bucket --to /opt/$(id)", `--to "/opt/$(id)": want an absolute path`},
		{"install --tag env=prod --bucket bucket --to /", `--to "/": want an absolute path`},
		{"install --tag env=prod --bucket bucket --packages " + empty, "no SHA256SUMS in " + empty + ": make dist makes it"},
		{"install --tag env=prod --bucket bucket --packages " + broken, "is not the file of SHA256SUMS"},
		{"install --tag env=prod --bucket bucket --target-type x", `--target-type "x": want /AWS::EC2::Instance or /`},
		{"install --tag env=prod --bucket bucket --region x", `region "x"`},
		{"install --tag env=prod --bucket bucket --max-errors x", "--max-errors"},
		{"install --tag env=prod --bucket bucket --max-concurrency 0", "--max-concurrency"},
		{"install --tag env=prod --bucket bucket --delivery-timeout 1s", "want 30s to 720h"},
		{"install --tag env=prod --bucket bucket --wait -1s", "negative"},
		{"install --tag env=prod --bucket bucket --output xml", `--output "xml"`},
		{"install --tag env=prod --bucket bucket --execution-timeout 1h", "-execution-timeout"},
		{"install --tag env=prod --bucket bucket x", `unexpected "x"`},
		{"documents publish --target-type x", `--target-type "x"`},
		{"documents list x", `unexpected "x"`},
		{"documents list --output csv", `--output "csv": want table or json`},
		{"sweep --tag env=prod --document-version latest", `--document-version "latest": want a number, $LATEST or $DEFAULT`},
		{"init --tag env=prod --document-hash x", `--document-hash "x": want a SHA-256 of 64 lower-case hex digits`},
		{"accept --tag env=prod --undo --document-version 01", `--document-version "01"`},
	} {
		t.Run(tc.args, func(t *testing.T) {
			code, stdout, stderr := run(t, strings.Fields(tc.args)...)
			assert.Equal(t, exitUsage, code, "exit %d, stdout %q, stderr %q", code, stdout, stderr)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, tc.want)
			assert.Equal(t, 1, strings.Count(stderr, "\n"))
		})
	}
}
