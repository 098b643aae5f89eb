package doctor

import (
	"fmt"
	"strconv"
	"strings"
)

// Agent is the SSM agent of one host.
type Agent struct {
	Host    string // what people call the host
	Ping    string // SSM's PingStatus
	Version string
}

// oldestMajor is the oldest major version that is not on its way out. Source:
// Systems Manager user guide, "SSM Agent version 3": version 2 will be
// deprecated.
const oldestMajor = 3

// Agents says which agents are silent or old. More than that many were there if
// there is a limit to what was looked at.
func Agents(agents []Agent, limit int) []Finding {
	if len(agents) == 0 {
		return Found(Warning, "SSM knows of no Linux host here",
			"install the SSM agent on the hosts and attach the policy AmazonSSMManagedInstanceCore; check --region")
	}
	var silent, old []string
	for _, a := range agents {
		if a.Ping != "Online" {
			silent = append(silent, a.Host)
		}
		if major, _, _ := strings.Cut(a.Version, "."); olderThan(major) {
			old = append(old, a.Host+" ("+a.Version+")")
		}
	}
	of := strconv.Itoa(len(agents))
	if limit > 0 && len(agents) >= limit {
		of = "the first " + of
	}
	var found []Finding
	if len(silent) > 0 {
		found = append(found, Finding{
			Status: Warning, Message: fmt.Sprintf("%d of %s are silent: %s", len(silent), of, some(silent)),
			Next: "on the hosts: systemctl restart amazon-ssm-agent",
		})
	}
	if len(old) > 0 {
		found = append(found, Finding{
			Status: Warning, Message: fmt.Sprintf("%d of %s are older than version %d: %s", len(old), of, oldestMajor, some(old)),
			Next: "run the document AWS-UpdateSSMAgent on the hosts",
		})
	}
	if len(found) == 0 {
		return Found(OK, of+" online", "")
	}
	return found
}

// olderThan says that a major version is known and too old.
func olderThan(major string) bool {
	n, err := strconv.Atoi(major)
	return err == nil && n < oldestMajor
}

// mostNames is how many hosts a finding names.
const mostNames = 8

// some names the first hosts of many.
func some(names []string) string {
	if len(names) <= mostNames {
		return strings.Join(names, " ")
	}
	return strings.Join(names[:mostNames], " ") + fmt.Sprintf(" and %d more", len(names)-mostNames)
}
