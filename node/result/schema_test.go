package result

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestSchema holds docs/result.schema.json against Line.
func TestSchema(t *testing.T) {
	text, err := os.ReadFile("../../docs/result.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]struct{ Examples []Reason }
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	var described, fields []string
	for name := range schema.Properties {
		described = append(described, name)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Line]()) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			fields = append(fields, name)
		}
	}
	slices.Sort(described)
	slices.Sort(fields)
	if !slices.Equal(described, fields) {
		t.Errorf("the schema has the properties %v, a line the fields %v", described, fields)
	}
	reasons := []Reason{
		AideMissing, AideFailed, AideCrashed, ConfigMissing, ConfigInvalid, BaselineMissing,
		BaselineInvalid, BaselineOutdated, BaselineRemoved, Busy, Timeout, Interrupted, NotExecutable, ReadOnly, ReportUnreadable, StateUnwritable, Refused, BadArguments, Internal,
	}
	if got := schema.Properties["reason"].Examples; !slices.Equal(got, reasons) {
		t.Errorf("the schema has the reasons %v, the node %v", got, reasons)
	}
}
