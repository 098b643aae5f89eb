package sweep

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Name names a run in the command history. A later collect reads there what a command
// belongs to.
type Name struct {
	Verb  string // what sent it, such as "sweep"
	ID    string // of the run
	Fleet string // of its metrics; empty if the comment has no room for it
	// Fingerprint is the beginning of what is accepted: 8 hex digits.
	Fingerprint string

	// Part is which of the run's commands it is, from 1 to Parts; both are 0 where
	// there is only one.
	Part, Parts int
}

// Verbs that say who publishes a check.
const (
	VerbSweep       = "sweep"       // its sender watches it, and publishes it
	VerbUnpublished = "unpublished" // its sender wants no metrics of it
	VerbStart       = "start"       // nobody watches it
)

const (
	program = "aidefleet"
	// maxComment is how long the comment of a command may be, in characters
	// (Systems Manager API reference, SendCommand).
	maxComment = 100
	// MaxFleet is how long the name of a fleet may be, so that the comment has room
	// for it.
	MaxFleet = 40
)

// String is the comment of the command: "aidefleet sweep ID 1/3 fleet=env=prod", or
// "aidefleet accept ID fingerprint=9f86d081".
func (n Name) String() string {
	text := program + " " + n.Verb + " " + n.ID
	if n.Parts > 0 {
		text += fmt.Sprintf(" %d/%d", n.Part, n.Parts)
	}
	if n.Fingerprint != "" {
		text += " fingerprint=" + n.Fingerprint
	}
	if with := text + " fleet=" + n.Fleet; n.Fleet != "" && len(with) <= maxComment {
		return with
	}
	return text
}

var namePattern = regexp.MustCompile(`^` + program + ` ([a-z]{1,16}) ([0-9A-Za-z-]{1,40})(?: ([0-9]{1,6})/([0-9]{1,6}))?(?: fingerprint=([0-9a-f]{8}))?(?: fleet=([ -~]+))?$`)

// ParseName reads a comment. It is false for one that no run of this program left.
func ParseName(comment string) (Name, bool) {
	m := namePattern.FindStringSubmatch(comment)
	if m == nil || len(comment) > maxComment || m[6] != "" && strings.TrimSpace(m[6]) == "" {
		return Name{}, false
	}
	n := Name{Verb: m[1], ID: m[2], Fleet: m[6], Fingerprint: m[5]}
	if m[3] != "" {
		n.Part, _ = strconv.Atoi(m[3]) // six digits
		n.Parts, _ = strconv.Atoi(m[4])
		if n.Part < 1 || n.Part > n.Parts {
			return Name{}, false
		}
	}
	return n, true
}
