package cli

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/fleet"
)

const aRole = "arn:aws:iam::111122223333:role/ops/aidefleet"

func TestReadAccounts(t *testing.T) {
	for _, tc := range []struct {
		name, in, want, err string
	}{
		{name: "one", in: aRole + " eu-central-1\n", want: "eu-central-1"},
		{name: "regions and comments", in: "# all\n\n" + aRole + "\teu-central-1,us-gov-west-1 # both\r\n", want: "eu-central-1 us-gov-west-1"},
		{name: "empty", in: "# none\n", err: "it names no account"},
		{name: "no region", in: "\n" + aRole + "\n", err: "line 2: want ROLE_ARN REGION[,REGION]"},
		{name: "spaces", in: aRole + " eu-central-1, us-east-1\n", err: "line 1: want ROLE_ARN"},
		{name: "empty region", in: aRole + " eu-central-1,,us-east-1\n", err: "line 1: a region is empty"},
		{name: "bad region", in: aRole + " Frankfurt\n", err: `line 1: region "Frankfurt"`},
		{name: "a user", in: "arn:aws:iam::111122223333:user/x eu-central-1\n", err: "line 1: role"},
		{name: "short account", in: "arn:aws:iam::1111:role/x eu-central-1\n", err: "line 1: role"},
		{name: "China", in: "arn:aws-cn:iam::111122223333:role/x cn-north-1\n", want: "cn-north-1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			list, err := readAccounts(strings.NewReader(tc.in))
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			regions := make([]string, 0, len(list))
			for _, p := range list {
				regions = append(regions, p.Region)
				if account(p.Role) != "111122223333" {
					t.Errorf("%s is of account %q", p.Role, account(p.Role))
				}
			}
			assert.NoError(t, err)
			assert.Equal(t, tc.want, strings.Join(regions, " "), "got %q", regions)
		})
	}
}

func TestBadPlaces(t *testing.T) {
	isolate(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	accounts, bad := file("accounts", aRole+" eu-central-1\n"), file("bad", "i-00000001\nweb-1\n")
	for _, tc := range []struct{ args, want string }{
		{"sweep --all --tag env=prod", "--all cannot be combined"},
		{"sweep --targets " + bad + " --instance i-00000001", "--targets and --instance cannot be combined"},
		{"sweep --targets " + bad, bad + `: line 2: instance "web-1"`},
		{"sweep --targets " + dir + "/none", "none: no such file"},
		{"targets", "no target"},
		{"targets --all extra", `unexpected "extra"`},
		{"targets --all --region nowhere", `region "nowhere"`},
		{"sweep --all --role-arn admin", `role "admin": want an ARN`},
		{"sweep --all --role-arn " + aRole + " --role-arn arn:aws:iam::111122223333:role/other", "both of account 111122223333"},
		{"sweep --all --accounts " + accounts + " --region eu-west-1", "--accounts cannot be combined"},
		{"sweep --all --accounts " + bad, "bad: line 1: want ROLE_ARN"},
		{"collect --command-id 12345678-90ab-cdef-1234-567890abcdef --role-arn x", `role "x"`},
	} {
		t.Run(tc.args, func(t *testing.T) {
			code, stdout, stderr := run(t, strings.Fields(tc.args)...)
			assert.Equal(t, exitUsage, code, "exit %d, %q, %q", code, stderr, stdout)
			assert.Contains(t, stderr, tc.want)
			assert.Equal(t, 1, strings.Count(stderr, "\n"))
			assert.Empty(t, stdout)
		})
	}
}

// clouds answers DescribeInstances, DescribeInstanceInformation and AssumeRole
// for every region, which it reads from the signature. It refuses a role, and
// fails on every other call.
type clouds struct {
	t      *testing.T
	refuse string // account
	mu     sync.Mutex
	calls  map[string]int
}

func (c *clouds) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	scope := strings.Split(r.Header.Get("Authorization"), "/")
	operation := r.Form.Get("Action")
	if operation == "" {
		_, operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	}
	c.mu.Lock()
	c.calls[operation]++
	c.mu.Unlock()
	switch operation {
	case "AssumeRole":
		role := r.Form.Get("RoleArn")
		if strings.Contains(role, c.refuse) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>`)
			return
		}
		if r.Form.Get("RoleSessionName") != "aidefleet" {
			c.t.Errorf("session %q", r.Form.Get("RoleSessionName"))
		}
		fmt.Fprint(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA`+account(role)+`</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
	case "DescribeInstances":
		region := scope[2]
		if !strings.Contains(scope[0], "ASIA111122223333") {
			c.t.Errorf("%s is called as %s, not with the role's credentials", operation, scope[0])
		}
		var name bytes.Buffer
		_ = xml.EscapeText(&name, []byte("web <\u202e>"))
		fmt.Fprintf(w, `<DescribeInstancesResponse><reservationSet><item><ownerId>111122223333</ownerId><instancesSet>
<item><instanceId>i-%08x</instanceId><instanceState><name>stopped</name></instanceState><tagSet><item><key>Name</key><value>%s</value></item></tagSet></item>
</instancesSet></item></reservationSet></DescribeInstancesResponse>`, len(region), name.String())
	case "DescribeInstanceInformation":
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprint(w, `{"InstanceInformationList":[]}`)
	default:
		c.t.Errorf("unexpected call of %s", operation)
		w.WriteHeader(http.StatusBadRequest)
	}
}

// TestTargets: every region of every role is listed, without a changing call; a
// role that cannot be taken does not lose the others; the list can be given back.
func TestTargets(t *testing.T) {
	isolate(t)
	c := &clouds{t: t, refuse: "444455556666", calls: map[string]int{}}
	server := httptest.NewServer(c)
	defer server.Close()
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "caller")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	code, stdout, stderr := run(t, "targets", "--all", "--region", "eu-central-1", "--region", "us-east-1", "--role-arn", aRole, "--output", "json")
	const want = `[
{"instance":"i-00000009","name":"web <\u202e>","account":"111122223333","region":"us-east-1","state":"stopped","reachable":false,"reason":"stopped"},
{"instance":"i-0000000c","name":"web <\u202e>","account":"111122223333","region":"eu-central-1","state":"stopped","reachable":false,"reason":"stopped"}
]
`
	lines := strings.Split(strings.NewReplacer(",\n", "\n", `\u003c`, "<", `\u003e`, ">").Replace(stdout), "\n")
	slices.Sort(lines)
	wantLines := strings.Split(strings.ReplaceAll(want, ",\n", "\n"), "\n")
	slices.Sort(wantLines)
	assert.Equal(t, 0, code, "exit %d\n%s\n%s", code, stdout, stderr)
	assert.Equal(t, wantLines, lines)
	assert.Contains(t, stderr, "0 of 2 hosts of all can be reached")
	if c.calls["AssumeRole"] != 1 {
		t.Errorf("the role was taken %d times for two regions", c.calls["AssumeRole"])
	}
	back, err := fleet.ReadTargets(strings.NewReader(stdout))
	require.NoError(t, err, "given back")
	require.Len(t, back, 2, "given back")
	assert.Equal(t, "eu-central-1", back[0].Region, "given back: %+v", back)

	accounts := filepath.Join(t.TempDir(), "accounts")
	if err := os.WriteFile(accounts, []byte(aRole+" eu-central-1\narn:aws:iam::444455556666:role/x eu-west-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"targets --all", "sweep --all --dry-run", "init --all --dry-run"} {
		code, stdout, stderr = run(t, append(strings.Fields(args), "--accounts", accounts)...)
		assert.Equal(t, exitError, code, "%s: exit %d\n%s\n%s", args, code, stdout, stderr)
		assert.Contains(t, stdout, "i-0000000c", args)
		assert.Contains(t, stderr, "orchestrator: 444455556666 eu-west-1: ", args)
		assert.Contains(t, stderr, "trust policy", args)
		assert.Contains(t, stderr, "1 of 2 accounts and regions failed", args)
	}
}
