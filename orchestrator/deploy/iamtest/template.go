package iamtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Template is a CloudFormation template. Its short tags are written out: !Ref X is
// {"Ref": "X"}, and !Sub X is {"Fn::Sub": "X"}.
type Template map[string]any

// Parse reads a template.
func Parse(text string) (Template, error) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	if len(root.Content) != 1 {
		return nil, errors.New("template: it is empty")
	}
	value, err := plain(root.Content[0])
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	t, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("template: it is no mapping")
	}
	return t, nil
}

// plain is the value of a node, with its short tag written out.
func plain(n *yaml.Node) (value any, err error) {
	tag := n.Tag
	if !strings.HasPrefix(tag, "!") || strings.HasPrefix(tag, "!!") {
		tag = ""
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if _, twice := m[key]; twice {
				return nil, fmt.Errorf("line %d: %s is there twice", n.Content[i].Line, key)
			}
			if m[key], err = plain(n.Content[i+1]); err != nil {
				return nil, err
			}
		}
		value = m
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			v, err := plain(item)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		value = list
	case yaml.ScalarNode:
		if tag != "" {
			n.Tag = "!!str"
		}
		if err := n.Decode(&value); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
	default:
		return nil, fmt.Errorf("line %d: CloudFormation takes no anchors and aliases", n.Line)
	}
	switch tag {
	case "":
		return value, nil
	case "!Ref", "!Condition":
		return map[string]any{tag[1:]: value}, nil
	}
	return map[string]any{"Fn::" + tag[1:]: value}, nil
}

// OfType are the resources of a type, by their logical ids, with their properties.
func (t Template) OfType(kind string) iter.Seq2[string, map[string]any] {
	return func(yield func(string, map[string]any) bool) {
		resources, _ := t["Resources"].(map[string]any)
		for name, r := range resources {
			resource, _ := r.(map[string]any)
			properties, _ := resource["Properties"].(map[string]any)
			if resource["Type"] == kind && !yield(name, properties) {
				return
			}
		}
	}
}

// Resource are the properties of a resource; nil if there is none.
func (t Template) Resource(name string) map[string]any {
	resources, _ := t["Resources"].(map[string]any)
	resource, _ := resources[name].(map[string]any)
	properties, _ := resource["Properties"].(map[string]any)
	return properties
}

// Roles are the logical ids of all roles, sorted.
func (t Template) Roles() (names []string) {
	for name := range t.OfType("AWS::IAM::Role") {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Statement is one statement of a role's policies.
type Statement struct {
	Sid       string
	Effect    string
	Actions   []string
	Resources []any // text, or a call of CloudFormation
	Condition any
}

// Parameters are those of the template, with what they say of themselves.
func (t Template) Parameters() map[string]map[string]any {
	found := map[string]map[string]any{}
	parameters, _ := t["Parameters"].(map[string]any)
	for name, p := range parameters {
		found[name], _ = p.(map[string]any)
	}
	return found
}

// Statements are those of all inline policies of a role, with or without a condition.
func (t Template) Statements(role string) (all []Statement, err error) {
	properties := t.Resource(role)
	if properties == nil {
		return nil, fmt.Errorf("the template has no role %s", role)
	}
	for _, p := range each(properties["Policies"]) {
		policy, _ := p.(map[string]any)
		document, err := document(policy["PolicyDocument"])
		if err != nil {
			return nil, fmt.Errorf("%s, policy %v: %w", role, policy["PolicyName"], err)
		}
		for _, s := range each(document["Statement"]) {
			statement, ok := s.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%s, policy %v: a statement is no mapping", role, policy["PolicyName"])
			}
			one := Statement{Resources: each(statement["Resource"]), Condition: statement["Condition"]}
			one.Sid, _ = statement["Sid"].(string)
			one.Effect, _ = statement["Effect"].(string)
			for _, a := range each(statement["Action"]) {
				one.Actions = append(one.Actions, fmt.Sprint(a))
			}
			if one.Effect != "Allow" || len(one.Actions) == 0 || len(one.Resources) == 0 {
				return nil, fmt.Errorf("%s, statement %q: want Allow, actions and resources", role, one.Sid)
			}
			all = append(all, one)
		}
	}
	return all, nil
}

// document is a policy, which may be JSON text with parameters in it.
func document(value any) (map[string]any, error) {
	policy, _ := value.(map[string]any)
	sub, ok := policy["Fn::Sub"]
	if !ok {
		return policy, nil
	}
	text, _ := each(sub)[0].(string)
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	return document, nil
}

// each are the items of a list, or a single value as one. An item that depends on a
// condition is replaced by both of its cases.
func each(value any) (items []any) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	for _, item := range list {
		call, _ := item.(map[string]any)
		switch branches, ok := call["Fn::If"].([]any); {
		case ok:
			items = append(items, each(branches[1:])...)
		case item == nil || call["Ref"] == "AWS::NoValue":
		default:
			items = append(items, item)
		}
	}
	return items
}

// Actions are those of the statements, each once and sorted.
func Actions(statements []Statement) (actions []string) {
	for _, s := range statements {
		actions = append(actions, s.Actions...)
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}
