package doctor

import (
	"errors"
	"testing"

	"aidefleet/node/aide"
)

func TestPatterns(t *testing.T) {
	e := examiner{config: aide.Config{Unsaid: []error{errors.New("@@include /etc/aide.d ^(?!x): not said")}}}
	e.patterns()
	if len(e.found) != 1 {
		t.Fatalf("%d findings, want 1", len(e.found))
	}
	f := e.found[0]
	if f.Status != Warning {
		t.Errorf("status %s", f.Status)
	}
	if want := "@@include /etc/aide.d ^(?!x): not said; every file in the folder is taken for a part of the configuration, and no program there is run"; f.Message != want {
		t.Errorf("%s, want %s", f.Message, want)
	}
	if f.Next == "" {
		t.Error("no next step")
	}
}
