package cloudwatch

import "time"

// An output is a tree of these and of string, float64, int64, bool and time.Time.
type (
	// object is a structure whose members are written in this order.
	object []field
	// table is a map from names that the caller chose; only XML writes it
	// differently from an object.
	table []field
	// array is a list.
	array []any
)

type field struct {
	name  string
	value any
}

// seconds is a timestamp as JSON and CBOR write it: seconds since 1970.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
