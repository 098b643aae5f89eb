package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/urfave/cli/v2"
)

func TestBadInputOfCommands(t *testing.T) {
	isolate(t)
	f := strings.Repeat("ab", 16)
	for _, tc := range []struct{ args, want string }{
		{"accept --tag env=prod", "give --fingerprint F, --explained, or --undo"},
		{"accept --fingerprint " + f, "no target"},
		{"accept --tag env=prod --fingerprint " + f + " --undo", "cannot be combined"},
		{"accept --tag env=prod --fingerprint " + f[:7], "8 to 32 lower-case hex digits"},
		{"accept --tag env=prod --fingerprint " + strings.ToUpper(f), "8 to 32 lower-case hex digits"},
		{"accept --tag env=prod --fingerprint " + f + " --backups 0", "--backups 0: want 1 to 99"},
		{"accept --tag env=prod --fingerprint " + f + " --command-id x", `--command-id "x"`},
		{"accept --tag env=prod --fingerprint " + f + " --config x", "absolute path"},
		{"accept --tag env=prod --fingerprint " + f + " --delivery-timeout 1s", "want 30s to 720h"},
		{"accept --tag env=prod --undo x", `unexpected "x"`},
		{"accept --tag env=prod --undo --max-errors 1", "-max-errors"},
		{"show", "want a HOST"},
		{"show a b", `unexpected "b"`},
		{"show a --id x", `--id "x"`},
		{"show --id x a", `--id "x"`},
		{"accept --explained --undo --tag env=prod", "--explained cannot be combined"},
		{"accept --explained --fingerprint 9f86d081 --tag env=prod", "--explained cannot be combined"},
		{"show a --bogus", "-bogus"},
		{"show a --output csv", `--output "csv"`},
		{"show a -o csv", `--output "csv"`},
		{"doctor x", `unexpected "x"`},
		{"doctor --output csv", `--output "csv"`},
		{"doctor --tag env", "KEY=VALUE"},
		{"doctor --config x", "absolute path"},
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

func TestArgumentsFirst(t *testing.T) {
	var got string
	app := &cli.App{Commands: []*cli.Command{{
		Name:  "show",
		Flags: []cli.Flag{&cli.StringFlag{Name: "output", Aliases: []string{"o"}}, &cli.BoolFlag{Name: "all"}, &cli.StringSliceFlag{Name: "region"}},
		Action: func(c *cli.Context) error {
			args, err := argumentsFirst(c)
			got = strings.Join(args, " ") + "; " + c.String("output") + " " + strings.Join(c.StringSlice("region"), "+")
			if c.Bool("all") {
				got += " all"
			}
			return err
		},
	}}}
	for args, want := range map[string]string{
		"web-1":                                   "web-1;  ",
		"--all web-1":                             "web-1;   all",
		"web-1 --all -o json":                     "web-1; json  all",
		"-o text web-1 --region a --region b":     "web-1; text a+b",
		"web-1 --region=a extra --output=x":       "web-1 extra; x a",
		"--region old web-1 --region new -o json": "web-1; json new",
	} {
		err := app.RunContext(t.Context(), append([]string{"x", "show"}, strings.Fields(args)...))
		assert.NoError(t, err, args)
		assert.Equal(t, want, got, "%s: %q", args, got)
	}
}
