package deploy

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/deploy/iamtest"
)

// roles are what is called with the roles of the stack. What the functions and the
// operator call is known to packages lambda and cli, and held against their roles
// there.
var roles = map[string][]string{
	"SchedulerRole": nil,
	// The agent's: aws:downloadContent lists the folder before it fetches a file
	// (amazon-ssm-agent, agent/plugins/downloadcontent/s3resource).
	"HostRole": {"s3:GetObject", "s3:ListBucket"},
}

func TestRoles(t *testing.T) {
	text := Template("1.2.3")
	for role, called := range roles {
		iamtest.Role(t, text, role, called)
	}
	template := parse(t)
	if got, want := template.Roles(), []string{"CollectRole", "FindingsRole", "HostRole", "OperatorRole", "SchedulerRole", "StartRole"}; !slices.Equal(got, want) {
		t.Errorf("roles %q, want %q: each needs a test of what is called with it", got, want)
	}
	managed := template.Resource("HostRole")["ManagedPolicyArns"].([]any)
	require.Len(t, managed, 1)
	assert.Equal(t, "arn:${AWS::Partition}:iam::aws:policy/AmazonSSMManagedInstanceCore", managed[0].(map[string]any)["Fn::Sub"], "hosts have the managed policies %v", managed)
	for _, role := range template.Roles() {
		if role != "HostRole" && template.Resource(role)["ManagedPolicyArns"] != nil {
			t.Errorf("%s has a managed policy: it allows what nothing calls", role)
		}
	}
}

// TestResources: * stands only where AWS knows no resource, and the key of the
// tag is in the condition of everything that reaches a host.
func TestResources(t *testing.T) {
	template := parse(t)
	var everywhere []string
	for _, role := range template.Roles() {
		statements, err := template.Statements(role)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range statements {
			for _, r := range s.Resources {
				text, _ := r.(string)
				if sub, ok := r.(map[string]any); ok {
					text, _ = sub["Fn::Sub"].(string)
				}
				switch {
				case text == "*":
					everywhere = append(everywhere, s.Actions...)
				case strings.Contains(text, "instance/*"):
					c, _ := s.Condition.(map[string]any)
					equals, _ := c["StringEquals"].(map[string]any)
					values, _ := equals["aws:ResourceTag/${TagKey}"].([]any)
					require.Len(t, c, 1, "%s, %s reaches hosts without the tag: %v", role, s.Sid, s.Condition)
					require.Len(t, values, 1, "%s, %s reaches hosts without the tag", role, s.Sid)
					assert.Equal(t, "${Values}", values[0], "%s, %s reaches hosts without the tag", role, s.Sid)
				case strings.Contains(text, ":*:"), strings.Contains(text, "::*"):
					t.Errorf("%s, %s: %s is wider than this account and region", role, s.Sid, text)
				}
			}
			if slices.Contains(s.Actions, "cloudwatch:PutMetricData") {
				c, _ := s.Condition.(map[string]any)
				equals, _ := c["StringEquals"].(map[string]any)
				assert.NotNil(t, equals["cloudwatch:namespace"], "%s, %s writes metrics into any namespace", role, s.Sid)
				assert.Len(t, s.Actions, 1, role)
			}
		}
	}
	slices.Sort(everywhere)
	if documented := actionsIn(section(t, "## Where the resource is `*`")); !slices.Equal(slices.Compact(everywhere), documented) {
		t.Errorf("the resource is * for %q; docs/iam.md has %q", slices.Compact(everywhere), documented)
	}
}

// TestDocumentedRoles holds the tables of docs/iam.md against the template.
func TestDocumentedRoles(t *testing.T) {
	template := parse(t)
	for _, role := range template.Roles() {
		statements, err := template.Statements(role)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := actionsIn(section(t, "### `"+role+"`")), iamtest.Actions(statements); !slices.Equal(got, want) {
			t.Errorf("docs/iam.md says of %s\n%q, the template\n%q", role, got, want)
		}
	}
}

// section is a part of docs/iam.md, from its heading to the next one.
func section(t *testing.T, heading string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/iam.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n"+heading)
	if !found {
		t.Fatalf("docs/iam.md has no %q", heading)
	}
	if i := strings.Index(text, "\n#"); i >= 0 {
		text = text[:i]
	}
	return text
}

var actionPattern = regexp.MustCompile("`([a-z0-9]+:[A-Z][A-Za-z]+)`")

// actionsIn are the actions in the first cells of tables, sorted.
func actionsIn(text string) (actions []string) {
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for _, m := range actionPattern.FindAllStringSubmatch(cells[1], -1) {
			actions = append(actions, m[1])
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// TestViewerPolicy: who may look can neither send nor write; and docs/iam.md has each right.
func TestViewerPolicy(t *testing.T) {
	policy := parse(t).Resource("ViewerPolicy")["PolicyDocument"].(map[string]any)
	var actions []string
	var collect func(v any)
	collect = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			switch a := v["Action"].(type) {
			case string:
				actions = append(actions, a)
			case []any:
				for _, one := range a {
					actions = append(actions, one.(string))
				}
			}
			if choice, ok := v["Fn::If"]; ok {
				collect(choice)
			}
		case []any:
			for _, one := range v {
				collect(one)
			}
		}
	}
	collect(policy["Statement"])
	slices.Sort(actions)
	assert.Equal(t, actionsIn(section(t, "### The policy `ViewerPolicy`")), actions)
	for _, action := range actions {
		assert.Regexp(t, `^(cloudwatch:(Get|List|Describe)|ssm:(Get|List|Describe)|ec2:Describe|s3:(Get|List)|kms:Decrypt$|lambda:InvokeFunction$)`, action)
	}
}
