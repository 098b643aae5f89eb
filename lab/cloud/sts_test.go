package cloud

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestAssumeRole: a role of the account can be taken, and no other.
func TestAssumeRole(t *testing.T) {
	c := New(Config{Region: "us-east-1", Account: "123456789012", Keys: testKeys()})
	t.Cleanup(c.Close)
	for _, tc := range []struct {
		role, session string
		taken         bool
	}{
		{"arn:aws:iam::123456789012:role/ops/x", "aidefleet", true},
		{"arn:aws:iam::123456789012:role/x", "", false},
		{"arn:aws:iam::123456789012:role/", "aidefleet", false},
		{"arn:aws:iam::999999999999:role/x", "aidefleet", false},
		{"", "aidefleet", false},
	} {
		answer, err := c.serveSTS(&request{protocol: awsQuery, operation: "AssumeRole", form: url.Values{"RoleArn": {tc.role}, "RoleSessionName": {tc.session}}})
		got, ok := answer.(assumeRoleResponse)
		assert.Equal(t, tc.taken, err == nil, "%+v: %+v", tc, answer)
		assert.Equal(t, tc.taken, ok, tc)
		if ok {
			assert.Equal(t, "arn:aws:sts::123456789012:assumed-role/ops/x/aidefleet", got.ARN, "%+v", tc)
			assert.NotEmpty(t, got.AccessKeyID, "%+v", tc)
			assert.NotEmpty(t, got.Expiration, "%+v", tc)
		}
	}
}
