package agent

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// platformType is the one value of a precondition's platformType that holds here.
const platformType = "linux"

// evaluate decides a step's precondition. It returns whether the step may run,
// and what of the precondition is not met or not understood.
//
// Only StringEquals exists, and one of its two operands must be platformType or
// hold a parameter (agent/framework/runpluginutil, evaluatePreconditions).
func (s step) evaluate() (allowed bool, problems []string) {
	allowed = true
	for _, operator := range slices.Sorted(maps.Keys(s.precondition)) {
		if operator != "StringEquals" {
			problems = append(problems, fmt.Sprintf("unrecognized operator: %q", operator))
			continue
		}
		met, problem := stringEquals(s.precondition[operator])
		if problem != "" {
			problems = append(problems, fmt.Sprintf("%q: %s", operator, problem))
		}
		allowed = allowed && met
	}
	return allowed, problems
}

// stringEquals returns met with a problem for an operator it does not
// understand: such a step is failed, not skipped.
func stringEquals(operands []argument) (met bool, problem string) {
	if len(operands) != 2 {
		return true, "operator accepts exactly 2 arguments"
	}
	a, b := operands[0], operands[1]
	if b.initial == "platformType" {
		a, b = b, a
	}
	unmet := fmt.Sprintf("[%s, %s]", operands[0].initial, operands[1].initial)
	switch {
	case a.initial == b.initial:
		return true, "operator's arguments can't be identical"
	case strings.Contains(a.initial+b.initial, "ssm:"):
		return true, "operator's arguments can't contain SSM parameters"
	case a.initial == "platformType" && b.initial != b.resolved:
		return true, "the second argument for the platformType variable can't contain document parameters"
	case a.initial == "platformType":
		if !strings.EqualFold(b.initial, platformType) {
			return false, unmet
		}
	case a.initial == a.resolved && b.initial == b.resolved:
		return true, "at least one of operator's arguments must contain a valid document parameter"
	case a.resolved != b.resolved:
		return false, unmet
	}
	return true, ""
}
