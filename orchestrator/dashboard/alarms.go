package dashboard

import (
	"fmt"
	"strings"
)

// Thresholds say when somebody is mailed. They are the parameters of the stack.
type Thresholds struct {
	AlarmWindow    int // hours in which a sweep has to be complete
	FailedHosts    int
	MissingHosts   int
	ExtremeChanges int
	Unexplained    bool // of the changes those count that no package explains
}

// Default are the stack's defaults.
var Default = Thresholds{AlarmWindow: 30, FailedHosts: 1, MissingHosts: 1, ExtremeChanges: 10000}

// Alarm is an alarm on a metric of a fleet; or, with a Rule, one on other alarms.
type Alarm struct {
	Name, Description string
	Metric            string
	Statistic         string
	Hours             int // that it looks at, one after the other
	Datapoints        int // of them that have to be bad
	Below             bool
	Threshold         int
	Missing           string // what a period without data is
	Rule              string
	Suppressor        string // name of the alarm that keeps this one silent
	Acts              bool   // it mails
}

// prefix begins the names of alarms. The name of a stack has no /, so that these are never
// the alarms of one, which begin with its name.
const prefix = "aidefleet/cli: "

// Alarms are those of a fleet, in the order in which they can be made.
func Alarms(fleet string, t Thresholds) []Alarm {
	name := func(text string) string { return fmt.Sprintf(prefix+text, fleet) }
	extreme := "HostChangesUnheld"
	if t.Unexplained {
		extreme = "ChangesUnexplained"
	}
	history := "orchestrator history --fleet '" + strings.ReplaceAll(fleet, "'", `'\''`) + "' --since 2d"
	incomplete, held := name("no complete sweep of %s"), name("all of %s is held")
	day := func(what, metric, description string, threshold int) Alarm {
		return Alarm{
			Name: name(what), Description: description, Metric: metric, Statistic: "Maximum", Hours: 24, Datapoints: 1,
			Threshold: threshold, Missing: "ignore", Acts: true,
		}
	}
	return []Alarm{
		{
			Name: incomplete, Description: fmt.Sprintf("No sweep of %s was completed within %d hours. It is mailed unless all of the fleet is held.", fleet, t.AlarmWindow),
			Metric: "SweepCompleted", Statistic: "Sum", Hours: t.AlarmWindow, Datapoints: t.AlarmWindow, Below: true, Threshold: 1, Missing: "breaching",
		},
		{
			Name: held, Description: fmt.Sprintf("Nobody is mailed if %s is not swept meanwhile. What is held, by whom and why: orchestrator hold list", fleet),
			Metric: "FleetHeld", Statistic: "Maximum", Hours: 2, Datapoints: 1, Threshold: 1, Missing: "notBreaching",
		},
		{
			Name:        name("nobody looked at %s"),
			Description: fmt.Sprintf("No sweep of %s was completed within %d hours, and the fleet is not held: files may have changed and nobody looked. Then: orchestrator doctor", fleet, t.AlarmWindow),
			Rule:        fmt.Sprintf("ALARM(%q)", incomplete), Suppressor: held, Acts: true,
		},
		day("hosts of %s are suspect", "HostsSuspect",
			fmt.Sprintf("The baseline, the configuration or a program of hosts of %s is not what it should be, and no action of ours explains it. Which hosts, and what: %s", fleet, history), 1),
		day("hosts of %s failed", "HostsFailedUnheld", fmt.Sprintf("Hosts of %s answered that they could not check their files: %s", fleet, history), t.FailedHosts),
		day("hosts of %s are missing", "HostsMissingUnheld", fmt.Sprintf("Hosts of %s gave no answer: orchestrator targets says who can be reached and why the others cannot", fleet), t.MissingHosts),
		day("a host of %s changed extremely", extreme, fmt.Sprintf("A host of %s shows %d changes or more since its baseline: %s", fleet, t.ExtremeChanges, history), t.ExtremeChanges),
	}
}
