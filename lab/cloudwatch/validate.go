package cloudwatch

import (
	"math"
	"slices"
	"strings"
)

// Lengths in characters (Dimension, MetricDatum; the API model has 255 for the
// names of dimensions).
const (
	maxName           = 255
	maxDimensionValue = 1024
	maxDimensions     = 30
)

// units are the values of StandardUnit.
var units = []string{
	"Seconds", "Microseconds", "Milliseconds",
	"Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
	"Bits", "Kilobits", "Megabits", "Gigabits", "Terabits",
	"Percent", "Count",
	"Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second",
	"Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second",
	"Count/Second", "None",
}

// printable says whether s is 1 to limit printable ASCII characters, not all blank.
func printable(s string, limit int) bool {
	return len(s) <= limit && strings.TrimSpace(s) != "" &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// name reads a required name.
func (f fields) name(name string) (string, error) {
	s := f.text(name)
	switch {
	case s == nil:
		return "", missing(f.path + name)
	case !printable(*s, maxName):
		return "", invalidValue("The value %.100q for parameter %s%s is invalid: 1 to %d printable ASCII characters, not all blank.",
			*s, f.path, name, maxName)
	}
	return *s, nil
}

// namespace reads a required namespace. The characters are those of the user
// guide (CloudWatch concepts, Namespaces).
func (f fields) namespace() (string, error) {
	s, err := f.name("Namespace")
	if err != nil {
		return "", err
	}
	other := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune(".-_/#: ", r)
	}
	if s[0] == ':' || strings.ContainsFunc(s, other) {
		return "", invalidValue("The value %.100q for parameter %sNamespace is invalid.", s, f.path)
	}
	return s, nil
}

// dimensions reads a set of dimensions, which may be empty.
func (f fields) dimensions() ([]dimension, error) {
	all := f.structures("Dimensions")
	if len(all) > maxDimensions {
		return nil, invalidValue("The collection %sDimensions must not have a size greater than %d.", f.path, maxDimensions)
	}
	set := make([]dimension, 0, len(all))
	for _, d := range all {
		name, err := d.name("Name")
		if err != nil {
			return nil, err
		}
		value := d.text("Value")
		switch {
		case name[0] == ':':
			return nil, invalidValue("The value %.100q for parameter %sName is invalid: it begins with a colon.", name, d.path)
		case value == nil:
			return nil, missing(d.path + "Value")
		case !printable(*value, maxDimensionValue):
			return nil, invalidValue("The value %.100q for parameter %sValue is invalid: 1 to %d printable ASCII characters, not all blank.",
				*value, d.path, maxDimensionValue)
		case slices.ContainsFunc(set, func(other dimension) bool { return other.name == name }):
			return nil, invalidValue("The value %.100q for parameter %sName is there twice.", name, d.path)
		}
		set = append(set, dimension{name, *value})
	}
	return set, nil
}

// metric reads the members that name a metric.
func (f fields) metric() (metric, error) {
	namespace, err := f.namespace()
	if err != nil {
		return metric{}, err
	}
	name, err := f.name("MetricName")
	if err != nil {
		return metric{}, err
	}
	dimensions, err := f.dimensions()
	if err != nil {
		return metric{}, err
	}
	return newMetric(namespace, name, dimensions), nil
}

// unit reads a unit; it is empty where there is none.
func (f fields) unit() (string, error) {
	u := f.text("Unit")
	if u == nil {
		return "", nil
	}
	i := slices.Index(units, *u)
	if i < 0 {
		return "", invalidValue("The value %.100q for parameter %sUnit is not one of the units.", *u, f.path)
	}
	return units[i], nil // not the caller's string, which holds on to the request
}

// period reads a period in seconds: 1, 5, 10, 20, 30 or a multiple of 60.
func (f fields) period() (int64, error) {
	p := f.integer("Period")
	switch {
	case p == nil:
		return 0, missing(f.path + "Period")
	case *p >= 60 && *p%60 == 0, slices.Contains([]int64{1, 5, 10, 20, 30}, *p):
		return *p, nil
	}
	return 0, invalidValue("The value %d for parameter %sPeriod is neither 1, 5, 10, 20 or 30 nor a multiple of 60.", *p, f.path)
}

// maxValue is the largest magnitude of a value (MetricDatum, Value).
var maxValue = math.Ldexp(1, 360)

// checkValue refuses what cannot be a value of a datum.
func checkValue(path string, v float64) error {
	if math.IsNaN(v) || math.Abs(v) > maxValue {
		return invalidValue("The value %g for parameter %s is invalid: it is not between -2^360 and 2^360.", v, path)
	}
	return nil
}

// checkCount refuses what cannot be a number of samples. That the service
// refuses 0 too is an assumption: an average of nothing is no number.
func checkCount(path string, n float64) error {
	if n > 0 && n <= maxValue {
		return nil
	}
	return invalidValue("The value %g for parameter %s is invalid: it is not above 0.", n, path)
}
