// Package result is the wire contract between a host and the fleet: the one line of JSON
// that aide-node prints first, and the only thing a host says.
//
// A Line has at most MaxBytes, so that no step on the way cuts it (SSM's
// ListCommandInvocations keeps 2,500 bytes of stdout and stderr together). It is valid
// UTF-8 without control characters. Readers ignore unknown fields; Version changes only
// with a break.
package result

import "time"

const (
	// Version is the value of "v".
	Version = 1
	// MaxBytes bounds an encoded line, without its newline.
	MaxBytes = 1200
	// GroupDigits is how many hex digits a line has of the fingerprint of a group.
	GroupDigits = 16
	// PackagesGroup is the group of the changes that the host's package database explains.
	// Other groups are paths.
	PackagesGroup = "packages"
)

// Status says what a check found out.
type Status string

// The three answers a host can give. Only Clean and Drift carry counts.
const (
	Clean  Status = "clean"
	Drift  Status = "drift"
	Failed Status = "failed"
)

// Reason says why a check failed. Readers accept reasons they do not know.
type Reason string

// The reasons this version of the node gives.
const (
	AideMissing      Reason = "aide_missing"
	AideFailed       Reason = "aide_failed"  // AIDE ended with an error status (14 and above)
	AideCrashed      Reason = "aide_crashed" // AIDE was ended by a signal
	ConfigMissing    Reason = "config_missing"
	ConfigInvalid    Reason = "config_invalid"
	BaselineMissing  Reason = "baseline_missing"
	BaselineInvalid  Reason = "baseline_invalid"
	BaselineOutdated Reason = "baseline_outdated" // of another AIDE, and the one at hand cannot read it
	BaselineRemoved  Reason = "baseline_removed"  // there was one, and it is gone
	Busy             Reason = "busy"              // another check is running on this host
	Timeout          Reason = "timeout"
	Interrupted      Reason = "interrupted"       // the node or AIDE was asked to end (SIGTERM), for example by a restart
	NotExecutable    Reason = "not_executable"    // the host does not let AIDE or the node run
	ReadOnly         Reason = "read_only"         // a file system that the node has to write to is mounted read-only
	ReportUnreadable Reason = "report_unreadable" // exit status, counts and lists disagree
	StateUnwritable  Reason = "state_unwritable"
	Refused          Reason = "refused" // accept: not the state that was reviewed
	BadArguments     Reason = "bad_arguments"
	Internal         Reason = "internal"
)

// Line is one host's answer to one check.
type Line struct {
	V       int    `json:"v"`
	Status  Status `json:"status"`
	Reason  Reason `json:"reason,omitempty"`
	Message string `json:"message,omitempty"` // one sentence for a person: why it failed, or what to know about the answer

	// Counts is nil exactly when Status is Failed: a failed check is never a zero.
	*Counts

	// Unread is how many entries AIDE could not look at, in whole or in part, and
	// UnreadPath the first of them, cut at 120 bytes as encoded. Only with Counts.
	Unread     int    `json:"unread,omitempty"`
	UnreadPath string `json:"unread_path,omitempty"`

	// Fingerprint names the change itself: hosts with equal changes have equal
	// fingerprints. 32 hex digits; only with Drift, and empty without a database (a report
	// from elsewhere).
	Fingerprint string `json:"fingerprint,omitempty"`

	// Groups are groups of the changes, those first that matter most, as many as fit. Only
	// with Drift.
	Groups []Group `json:"groups,omitempty"`

	// Explained is how many of the changes the host's package database explains. Only with
	// Drift.
	Explained int `json:"explained,omitempty"`

	// New is how many of the changes were not in the report before, and Since the id of that
	// report, of the same baseline. Without Since there was none, and all changes are new.
	// Only with Counts.
	New   int    `json:"new,omitempty"`
	Since string `json:"since,omitempty"`

	AIDE       string    `json:"aide,omitempty"`        // AIDE's version
	AIDESHA256 string    `json:"aide_sha256,omitempty"` // of AIDE's program: the first 32 hex digits of its SHA-256
	Node       string    `json:"node,omitempty"`        // aide-node's version
	NodeSHA256 string    `json:"node_sha256,omitempty"` // of aide-node: the first 32 hex digits of its SHA-256
	Started    time.Time `json:"started,omitzero"`
	Seconds    float64   `json:"seconds,omitempty"` // how long the check took
	Report     string    `json:"report,omitempty"`  // id of the report kept on the host
	Baseline   *Baseline `json:"baseline,omitempty"`
	// Next is the SHA-256 of the new database that the check wrote, hex: what the baseline
	// is once the state of this check is accepted.
	Next   string `json:"next,omitempty"`
	Config string `json:"config,omitempty"` // SHA-256 of AIDE's configuration, hex

	// Paths is a sample of the changes, most security-relevant first: '+', '-'
	// or '~' for added, removed and changed, then the path. A byte that is not
	// UTF-8 is written as a backslash and three octal digits, as AIDE does.
	Paths []string `json:"paths,omitempty"`
	More  int      `json:"more,omitempty"` // changes that are not in Paths
}

// Counts are numbers of file-system entries.
type Counts struct {
	Added   int `json:"added"`
	Removed int `json:"removed"`
	Changed int `json:"changed"`
	// Total is the number of entries on disk now; 0 if a report does not tell.
	Total int `json:"total,omitempty"`
}

// Sum is the number of changes.
func (c Counts) Sum() int { return c.Added + c.Removed + c.Changed }

// Group is a part of the changes that belong together. Its fingerprint depends on its own
// changes only: hosts that share it share those, whatever else they have.
type Group struct {
	At          string `json:"at"` // PackagesGroup, a path of the profile, or the first two components of the paths
	Fingerprint string `json:"f"`  // the first GroupDigits hex digits
	N           int    `json:"n"`  // changes
	// Versions stands for the packages, with their versions, that explain the changes:
	// GroupDigits hex digits. Only of PackagesGroup.
	Versions string `json:"versions,omitempty"`
}

// Baseline names the database a check compared with.
type Baseline struct {
	SHA256  string    `json:"sha256"` // of the file as it lies on disk, hex
	Created time.Time `json:"created,omitzero"`
	// Was is the SHA-256 of the baseline that this one replaced, hex. Only in the answer of a
	// run that replaced it.
	Was string `json:"was,omitempty"`
}

// Failure makes the line of a check that failed.
func Failure(reason Reason, message string) Line {
	return Line{V: Version, Status: Failed, Reason: reason, Message: message}
}
