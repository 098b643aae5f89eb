package deploy

import (
	_ "embed"
	"fmt"
	"strings"

	"aidefleet/orchestrator/dashboard"
	documents "aidefleet/ssm-documents"
)

// stack is the template of everything that an account and region needs, but for
// what Template puts in.
//
//go:embed stack.yaml
var stack string

// Template is the CloudFormation template of the stack, as YAML. The same version
// gives the same bytes.
func Template(version string) string {
	var arns, resources strings.Builder
	for _, d := range documents.All() {
		resources.WriteString(documentResource(d, version))
		if d.Name == documents.Configure {
			continue // a user who may exclude files could hide changes: the operator's role may not
		}
		fmt.Fprintf(&arns, "- !Sub \"arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:document/%s\"\n", d.Name)
	}
	text := strings.ReplaceAll(stack, "@@VERSION@@", version)
	text = putIn(text, "# @@DOCUMENT_ARNS@@", arns.String())
	text = putIn(text, "# @@DASHBOARD@@", dashboard.Body(dashboardOptions))
	return putIn(text, "# @@DOCUMENTS@@", resources.String())
}

// dashboardOptions are those of the stack's dashboard: references to what the stack has.
var dashboardOptions = dashboard.Options{
	Fleet: "${FleetName}", Namespace: "${Namespace}", Region: "${AWS::Region}",
	Alarms: []string{"${HostsSuspect.Arn}", "${SweepIncomplete.Arn}", "${HostsFailed.Arn}", "${HostsMissing.Arn}", "${ChangesExtreme.Arn}", "${EventsLost.Arn}"},
	Widget: "${FindingsFunction.Arn}",
}

// documentResource is a document as a resource. Its content is text, not YAML within YAML,
// so that content and tag are byte for byte those that Publish makes.
func documentResource(d documents.Document, version string) string {
	return fmt.Sprintf(`%s:
  Type: AWS::SSM::Document
  Condition: HasDocuments
  Properties:
    Name: %s
    DocumentType: Command
    DocumentFormat: YAML
    TargetType: !Ref DocumentTargetType
    UpdateMethod: NewVersion
    Tags: [{Key: %s, Value: "%s"}]
    Content: |
%s
`, strings.ReplaceAll(d.Name, "-", ""), d.Name, tagKey, tagValue(version), indent(d.Content, "      "))
}

// putIn replaces a line that holds only a mark by lines, indented like the mark.
func putIn(text, mark, lines string) string {
	before, after, _ := strings.Cut(text, mark)
	margin := before[strings.LastIndexByte(before, '\n')+1:]
	return before + strings.TrimPrefix(indent(lines, margin), margin) + after
}

// indent indents lines, except empty ones. It returns no newline at the end.
func indent(text, margin string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = margin + line
		}
	}
	return strings.Join(lines, "\n")
}
