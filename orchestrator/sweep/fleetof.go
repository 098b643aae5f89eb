package sweep

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/runcommand"
)

// Known is what is known of a fleet by its name, from elsewhere than a command's comment:
// the hosts that it has, as text, and how many; ok is false if nothing is.
type Known func(name string) (target string, hosts int, ok bool)

// FleetOf is the fleet that the commands of a run were sent for: the one that they name or,
// of commands from elsewhere, their targets. Anybody who may send a command can name any
// fleet in it. So a name is only believed if the targets may be that fleet's. It can be a
// dimension of a metric, whatever the targets are. known may be nil.
func FleetOf(known Known, commands ...runcommand.Command) string {
	target := targetText(commands)
	for _, c := range commands {
		if name, ok := ParseName(c.Comment); ok && name.Fleet != "" {
			if believed(name.Fleet, target, known, commands) {
				return name.Fleet
			}
			break
		}
	}
	return dimension(target)
}

// believed says that commands with these targets may be of the fleet that they name.
func believed(name, target string, known Known, commands []runcommand.Command) bool {
	switch {
	case name == target:
		return true
	case strings.Contains(name, "="): // the text of other tags
		return false
	case known == nil:
		return true
	}
	was, hosts, ok := known(name)
	if !ok {
		return true
	}
	instances := 0
	for _, c := range commands {
		instances += len(selectorOf(c.Targets).Instances)
	}
	if instances == 0 || strings.Contains(was, "=") {
		return was == target
	}
	// Hosts that cannot be reached are not named in commands: some of the fleet's may be
	// absent, most may not.
	return 2*instances >= hosts
}

// targetText are the targets of commands, as one text.
func targetText(commands []runcommand.Command) string {
	var all fleet.Selector
	var others []string
	for _, c := range commands {
		s := selectorOf(c.Targets)
		all.Tags, all.Instances = append(all.Tags, s.Tags...), append(all.Instances, s.Instances...)
		if len(s.Tags)+len(s.Instances) == 0 {
			for _, t := range c.Targets {
				others = append(others, t.Key+"="+strings.Join(t.Values, ","))
			}
		}
	}
	return strings.TrimSpace(all.String() + " " + strings.Join(others, " "))
}

// dimension is a text as a dimension of a metric.
func dimension(text string) string {
	if metrics.ValidateDimension(text) == nil {
		return text
	}
	// Such as a tag that is not ASCII: what can be said of it, and what tells it from
	// others.
	sum := sha256.Sum256([]byte(text))
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	return strings.TrimSpace(fmt.Sprintf("%.100s %x", ascii, sum[:4]))
}

// lookedBack is how far back the last sweep of a fleet may lie.
const lookedBack = 30 * 24 * time.Hour

// KnownFleets knows fleets by their last sweeps in the ledger, but for the run of the
// commands. What cannot be read is not known.
func KnownFleets(ctx context.Context, l *ledger.Ledger, now time.Time, commands ...runcommand.Command) Known {
	if l == nil {
		return nil
	}
	return func(name string) (target string, hosts int, ok bool) {
		sweeps, err := l.Sweeps(ctx, name, now.Add(-lookedBack), now)
		if err != nil {
			return "", 0, false
		}
		for _, s := range slices.Backward(sweeps) {
			data, err := l.Report(ctx, s)
			if err != nil {
				return "", 0, false
			}
			head, err := readHead(data)
			if err != nil {
				return "", 0, false
			}
			own := slices.ContainsFunc(commands, func(c runcommand.Command) bool { return slices.Contains(head.commands, c.ID) })
			if !own && head.target != "" {
				return head.target, head.hosts, true
			}
		}
		return "", 0, false
	}
}

// reportHead is what a report says before its hosts.
type reportHead struct {
	target   string
	commands []string
	hosts    int // that a command named, or could have
}

func readHead(data []byte) (h reportHead, err error) {
	var r struct {
		Target   string
		Commands []struct{ ID string }
		Summary  struct{ Targeted, Missing int }
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return h, err
	}
	h.target, h.hosts = r.Target, r.Summary.Targeted-r.Summary.Missing
	for _, c := range r.Commands {
		h.commands = append(h.commands, c.ID)
	}
	return h, nil
}
