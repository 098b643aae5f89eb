package aide

import (
	"fmt"
	"path/filepath"
	"strings"
)

// agentRules exclude what the Systems Manager agent writes while it runs the command that
// runs the node: the state, scripts and output of commands in its folder of this instance,
// and its logs (agent/appconfig/constants.go and constants_unix.go, agent/log/logger and
// common/channel/utils of its release 3.3). AIDE still looks at the agent's programs, its
// configuration and the rest of /var/lib/amazon.
var agentRules = []string{
	"!/var/lib/amazon/ssm/[^/]+/(document/(state|orchestration)|channels|idempotency|replies|replies_mgs)($|/)",
	`!/var/log/amazon/ssm/((amazon-ssm-agent|errors)\.log(\.[0-9]+)?$|audits($|/))`,
}

// rules exclude what the running command itself writes from AIDE's reports. The baseline
// among it is not unwatched: the caller compares it with its own digest.
func (j Job) rules(v Version) []string {
	rules := append([]string(nil), agentRules...)
	for _, own := range ends(j.Own) {
		rules = append(rules, "!"+v.literal(own)+"($|/)")
	}
	for _, baseline := range ends(j.Baseline) {
		rules = append(rules, "!"+v.literal(baseline)+"($|"+v.literal(OwnMark)+")")
		if j.FolderWatched {
			// The folder's times, and on some file systems its size, change if the baseline
			// is replaced. Other rules still hold for what is in it.
			rules = append(rules, "="+v.literal(filepath.Dir(baseline))+"$ d p+u+g")
		}
	}
	return rules
}

// literal is a path as a regular expression of AIDE's that matches nothing else. AIDE takes
// the folders before the first bracket for the place of a rule (strrxtok in its source), so
// only what cannot be written otherwise stands in brackets.
func (v Version) literal(path string) string {
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case strings.IndexByte(".+*?()[]{}|^$", c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case plainPath(path[i : i+1]):
			b.WriteByte(c)
		default:
			b.WriteString(v.quoteByte(c))
		}
	}
	return b.String()
}

// quoteByte writes a character that is special to AIDE's configuration, or to none. 0.16 takes
// percent signs for bytes in hex, later releases a backslash before some characters.
func (v Version) quoteByte(c byte) string {
	switch {
	case !v.since(17) && c == '\\':
		return "%5c%5c"
	case !v.since(17):
		return fmt.Sprintf("%%%02x", c)
	case c == '\\':
		return `\\\\`
	case c == ' ' || c == '@':
		return `\` + string(rune(c))
	case c < ' ' || c == 0x7f:
		return fmt.Sprintf(`[\x%02x]`, c)
	}
	return string([]byte{c})
}
