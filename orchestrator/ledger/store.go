// Package ledger is what the fleet remembers outside its hosts: sweeps, actions, what each
// host claimed last (pins), and holds. It lies in a folder or in S3, in the same layout, so
// that Athena, DuckDB and jq read it as it is:
//
//	sweeps/fleet=F/date=YYYY-MM-DD/TIME-RUN.json.gz    the report of a sweep
//	sweeps/fleet=F/date=YYYY-MM-DD/TIME-RUN.html       its page
//	sweeps/fleet=F/index.html                          the page of the fleet
//	hosts/fleet=F/date=YYYY-MM-DD/TIME-RUN.jsonl.gz    the same, a flat line a host
//	actions/date=YYYY-MM-DD/TIME-RUN.json              what was done to baselines, and by whom
//	pins/account=A/region=R.json.gz                    a line an instance
//	told/account=A/region=R.json.gz                    the findings that people were told of
//	holds/ID.json                                      hosts whose drift is expected for a while
//
// RUN is ACCOUNT-REGION-ID, so that many accounts and regions write to one ledger, each
// to its own keys. A sweep has the same keys, whoever records it and however often.
package ledger

import (
	"context"
	"errors"
)

// ErrNotFound is returned for an object that is not there.
var ErrNotFound = errors.New("no such object")

// ErrChanged is returned by WriteIf if somebody else wrote the object meanwhile.
var ErrChanged = errors.New("the object has changed meanwhile")

// Store keeps objects by key. Keys are relative paths with slashes. Every error names the
// object.
type Store interface {
	// Read returns an object and its version, or ErrNotFound.
	Read(ctx context.Context, key string) (data []byte, version string, err error)
	// Write writes an object whole: a reader sees the one before or this one.
	Write(ctx context.Context, key string, data []byte) error
	// WriteIf writes an object whole if it still has this version, else it returns
	// ErrChanged. An empty version is that of an object that is not there.
	WriteIf(ctx context.Context, key string, data []byte, version string) error
	// List returns the keys that begin with a prefix, in order.
	List(ctx context.Context, prefix string) ([]string, error)
	// String is the location, as people give it.
	String() string
}

// Ledger is the objects of a store, by what they are.
type Ledger struct{ Store Store }

// Version is the value of "v" in every object.
const Version = 1

// Unreachable is a Store that cannot be opened. All it does is to say why.
type Unreachable struct{ Err error }

// Read is Store.Read.
func (u Unreachable) Read(context.Context, string) ([]byte, string, error) { return nil, "", u.Err }

// Write is Store.Write.
func (u Unreachable) Write(context.Context, string, []byte) error { return u.Err }

// WriteIf is Store.WriteIf.
func (u Unreachable) WriteIf(context.Context, string, []byte, string) error { return u.Err }

// List is Store.List.
func (u Unreachable) List(context.Context, string) ([]string, error) { return nil, u.Err }

// String is Store.String.
func (u Unreachable) String() string { return "unreachable" }
