package cloudwatch

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// awsCLI is the command of Debian's package awscli, which speaks Query.
const awsCLI = "/usr/bin/aws"

// TestAWSCLI drives the service with the command line of the distribution.
func TestAWSCLI(t *testing.T) {
	if _, err := os.Stat(awsCLI); err != nil {
		t.Skipf("no aws command: %v", err)
	}
	s := newTestService()
	server := httptest.NewServer(s)
	defer server.Close()
	home := t.TempDir()
	run := func(args ...string) (string, error) {
		c := exec.CommandContext(t.Context(), awsCLI, append([]string{"--endpoint-url", server.URL, "--output", "json", "cloudwatch"}, args...)...)
		c.Env = []string{
			"HOME=" + home, "PATH=/usr/bin:/bin", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
			"AWS_DEFAULT_REGION=us-east-1", "AWS_MAX_ATTEMPTS=1", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
			"AWS_CONFIG_FILE=" + filepath.Join(home, "none"), "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(home, "none"),
		}
		out, err := c.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	tests := []struct {
		args []string
		want string // JSON, or where fails a part of the text
	}{
		{[]string{"put-metric-data", "--namespace", "AIDE", "--metric-data",
			`[{"MetricName":"added","Dimensions":[{"Name":"Instance","Value":"web 1 & <2>"}],"Values":[1,2],"Counts":[3,1],"Unit":"Count","Timestamp":"2026-11-23T04:00:00Z"}]`}, ``},
		{[]string{"put-metric-data", "--namespace", "AIDE", "--metric-name", "changed", "--value", "2.5"}, ``},
		{[]string{"put-metric-data", "--namespace", "AIDE", "--metric-name", "changed", "--value", "1", "--unit", "Hosts"}, `(InvalidParameterValue)`},
		{[]string{"list-metrics", "--namespace", "AIDE", "--dimensions", "Name=Instance"},
			`{"Metrics":[{"Namespace":"AIDE","MetricName":"added","Dimensions":[{"Name":"Instance","Value":"web 1 & <2>"}]}]}`},
		{[]string{"get-metric-statistics", "--namespace", "AIDE", "--metric-name", "added", "--dimensions", "Name=Instance,Value=web 1 & <2>",
			"--start-time", "2026-11-23T03:00:00Z", "--end-time", "2026-11-23T05:00:00Z", "--period", "3600", "--statistics", "Sum", "Maximum"},
			`{"Label":"added","Datapoints":[{"Timestamp":"2026-11-23T04:00:00+00:00","Sum":5.0,"Maximum":2.0,"Unit":"Count"}]}`},
		{[]string{"get-metric-statistics", "--namespace", "AIDE", "--metric-name", "changed",
			"--start-time", "2026-11-23T05:00:00", "--end-time", "2026-11-23T05:01:00", "--period", "60", "--extended-statistics", "p50"},
			`{"Label":"changed","Datapoints":[{"Timestamp":"2026-11-23T05:00:00+00:00","Unit":"None","ExtendedStatistics":{"p50":2.5}}]}`},
		{[]string{"get-metric-data", "--start-time", "2026-11-23T05:00:00Z", "--end-time", "2026-11-23T05:05:00Z", "--metric-data-queries",
			`[{"Id":"a","MetricStat":{"Metric":{"Namespace":"AIDE","MetricName":"changed"},"Period":300,"Stat":"Average"}}]`},
			`{"MetricDataResults":[{"Id":"a","Label":"changed","Timestamps":["2026-11-23T05:00:00+00:00"],"Values":[2.5],"StatusCode":"Complete"}],"Messages":[]}`},
		{[]string{"get-metric-data", "--start-time", "2026-11-23T05:00:00Z", "--end-time", "2026-11-23T05:05:00Z", "--metric-data-queries",
			`[{"Id":"a","Expression":"m+n"}]`}, `(ValidationError)`},
		{[]string{"list-dashboards"}, `(InvalidAction)`},
	}
	for _, tt := range tests {
		out, err := run(tt.args...)
		if strings.HasPrefix(tt.want, "(") {
			require.Error(t, err, "%s: %s", tt.args, out)
			assert.Contains(t, out, tt.want, tt.args)
			continue
		}
		assert.NoError(t, err, tt.args)
		assert.True(t, sameJSON(out, tt.want), "%s: %s", tt.args, out)
	}
}

// sameJSON compares two texts that are JSON or empty.
func sameJSON(a, b string) bool {
	var v, w any
	if a == "" || b == "" {
		return a == b
	}
	if json.Unmarshal([]byte(a), &v) != nil || json.Unmarshal([]byte(b), &w) != nil {
		return false
	}
	x, errX := json.Marshal(v)
	y, errY := json.Marshal(w)
	return errX == nil && errY == nil && string(x) == string(y)
}
