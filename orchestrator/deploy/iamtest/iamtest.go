// Package iamtest compares the roles of a CloudFormation template with the calls of code,
// both ways: what is called is allowed, and what is allowed is called.
package iamtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Role fails the test if a role of the template allows other actions than the called ones,
// and those that Lambda and the scheduler need for themselves. Then it removes each action,
// and adds one, and fails if that goes unnoticed.
func Role(t *testing.T, template, role string, called []string) {
	t.Helper()
	found, err := Problems(template, role, called)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		t.Error(p)
	}
	parsed, err := Parse(template)
	if err != nil {
		t.Fatal(err)
	}
	statements, err := parsed.Statements(role)
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range Actions(statements) {
		t.Run(role+" without "+action, func(t *testing.T) {
			noticed(t, without(template, role, action), role, called, action+" is called")
		})
	}
	for _, action := range []string{"ssm:CreateDocument", "ssm:UpdateDocument", "ssm:*", "*"} {
		t.Run(role+" with "+action, func(t *testing.T) {
			noticed(t, with(template, role, action), role, called, action)
		})
	}
}

func noticed(t *testing.T, template, role string, called []string, want string) {
	t.Helper()
	found, err := Problems(template, role, called)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(found, "\n"), want) {
		t.Errorf("found %q, want %q among them", found, want)
	}
}

// Problems says in which actions a role and what is called differ.
func Problems(template, role string, called []string) (found []string, err error) {
	t, err := Parse(template)
	if err != nil {
		return nil, err
	}
	statements, err := t.Statements(role)
	if err != nil {
		return nil, err
	}
	allowed := Actions(statements)
	for _, action := range allowed {
		switch {
		case strings.Contains(action, "*"):
			found = append(found, fmt.Sprintf("%s allows %s: name the actions", role, action))
		case !slices.Contains(called, action) && !slices.Contains(t.platform(role), action):
			found = append(found, fmt.Sprintf("%s allows %s, which nothing calls", role, action))
		}
	}
	for _, action := range slices.Concat(called, t.platform(role)) {
		if !slices.Contains(allowed, action) {
			found = append(found, fmt.Sprintf("%s is called, and %s does not allow it", action, role))
		}
	}
	return found, nil
}

// platform are the actions that AWS's own services take with a role: Lambda writes
// the log of a function and keeps events that failed, the scheduler invokes
// functions and keeps events that it could not deliver.
func (t Template) platform(role string) (actions []string) {
	functions := map[string]bool{}
	for name, properties := range t.OfType("AWS::Lambda::Function") {
		if !is(properties["Role"], role) {
			continue
		}
		functions[name] = true
		if properties["LoggingConfig"] != nil {
			actions = append(actions, "logs:CreateLogStream", "logs:PutLogEvents")
		}
	}
	for _, properties := range t.OfType("AWS::Lambda::EventInvokeConfig") {
		for name := range functions {
			if is(properties["FunctionName"], name) && properties["DestinationConfig"] != nil {
				actions = append(actions, "sqs:SendMessage")
			}
		}
	}
	for _, properties := range t.OfType("AWS::Scheduler::Schedule") {
		target, _ := properties["Target"].(map[string]any)
		if !is(target["RoleArn"], role) {
			continue
		}
		for name := range t.OfType("AWS::Lambda::Function") {
			if is(target["Arn"], name) {
				actions = append(actions, "lambda:InvokeFunction")
			}
		}
		if target["DeadLetterConfig"] != nil {
			actions = append(actions, "sqs:SendMessage")
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// is says that a value is a resource or its ARN.
func is(value any, resource string) bool {
	call, _ := value.(map[string]any)
	return call["Ref"] == resource || call["Fn::GetAtt"] == resource+".Arn"
}

// without removes an action from a role, by putting one in its place that the role has
// anyhow.
func without(template, role, action string) string {
	before, block, after := cut(template, role)
	const other = `"logs:PutNothing"`
	return before + strings.ReplaceAll(block, `"`+action+`"`, other) + after
}

// with adds a statement to a role.
func with(template, role, action string) string {
	before, block, after := cut(template, role)
	head, policies, _ := strings.Cut(block, "      Policies:\n")
	return before + head + `      Policies:
        - PolicyName: more
          PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "` + action + `", Resource: "*"}]}
` + policies + after
}

// cut finds the text of a resource.
func cut(template, resource string) (before, block, after string) {
	begin := strings.Index(template, "\n  "+resource+":\n") + 1
	end := len(template)
	for i := begin + 1; i < len(template); i++ {
		// The resource ends before the next line with the same or less indentation.
		if template[i-1] == '\n' && !strings.HasPrefix(template[i:], "   ") && template[i] != '\n' {
			end = i
			break
		}
	}
	return template[:begin], template[begin:end], template[end:]
}
