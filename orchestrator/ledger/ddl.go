package ledger

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// columnTypes are Athena's types of the fields of a row, by Go's. A time is text, as JSON
// has it: from_iso8601_timestamp reads it.
var columnTypes = map[reflect.Type]string{
	reflect.TypeFor[int](): "bigint", reflect.TypeFor[*int](): "bigint", reflect.TypeFor[float64](): "double",
	reflect.TypeFor[string](): "string", reflect.TypeFor[bool](): "boolean", reflect.TypeFor[time.Time](): "string",
	reflect.TypeFor[[]string](): "array<string>",
}

// DDL is the statement that makes the table of the hosts in Amazon Athena, of a ledger in
// S3. A query has to name the fleet as the path does: fleet = 'env%3Dprod' (Athena user
// guide, "Partition projection", type injected).
func DDL(location string) string {
	var columns []string
	row := reflect.TypeFor[HostRow]()
	for i := range row.NumField() {
		f := row.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		columns = append(columns, fmt.Sprintf("  `%s` %s", name, columnTypes[f.Type]))
	}
	return fmt.Sprintf(`CREATE EXTERNAL TABLE aidefleet_hosts (
%s
)
PARTITIONED BY (fleet string, `+"`date`"+` string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION '%[2]s/hosts/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.fleet.type' = 'injected',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2026-01-01,NOW+1DAYS',
  'storage.location.template' = '%[2]s/hosts/fleet=${fleet}/date=${date}/'
);
`, strings.Join(columns, ",\n"), location)
}
