package cli

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// TestVariables: each flag has a variable, but for those that operations.md names; and the
// variable is called as the flag is.
func TestVariables(t *testing.T) {
	without := map[string]bool{}
	var walk func(commands []*cli.Command)
	walk = func(commands []*cli.Command) {
		for _, c := range commands {
			for _, f := range c.Flags {
				names := f.(cli.DocGenerationFlag).GetEnvVars()
				if len(names) == 0 {
					without["--"+f.Names()[0]] = true
					continue
				}
				want := "ORCHESTRATOR_" + strings.ToUpper(strings.ReplaceAll(f.Names()[0], "-", "_"))
				assert.Equal(t, []string{want}, names, "%s --%s", c.HelpName, f.Names()[0])
			}
			walk(c.Subcommands)
		}
	}
	walk(newApp(io.Discard, io.Discard).Commands)
	m := regexp.MustCompile(`(?s)Every flag has a variable, but\s+for\s(.*?):`).FindStringSubmatch(doc(t, "operations.md"))
	require.NotNil(t, m, "operations.md does not say which flags have none")
	told := map[string]bool{}
	for _, f := range regexp.MustCompile("`(--[a-z-]+)`").FindAllStringSubmatch(m[1], -1) {
		told[f[1]] = true
	}
	assert.Equal(t, told, without, fmt.Sprint(slices.Sorted(func(yield func(string) bool) {
		for name := range without {
			if !yield(name) {
				return
			}
		}
	})))
}
