package cloud

import (
	"regexp"
	"time"
)

// storedName is what Parameter Store takes (Systems Manager API reference,
// PutParameter).
var storedName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$|^(/[A-Za-z0-9_.-]+){1,15}$`)

// maxParameter is the most that a standard parameter holds, in characters.
const maxParameter = 4096

// stored is a value in Parameter Store.
type stored struct {
	value   string
	version int
	written time.Time
}

type putParameterInput struct {
	Name, Value, Type string
	Overwrite         bool
}

type putParameterOutput struct {
	Version int
	Tier    string
}

func (c *Cloud) putParameter(in putParameterInput) (out putParameterOutput, err error) {
	known, there := c.parameters[in.Name]
	switch {
	case !storedName.MatchString(in.Name):
		return out, badRequest("ValidationException", "Parameter name %q is not valid.", in.Name)
	case len(in.Value) > maxParameter || in.Value == "":
		return out, badRequest("ValidationException", "Standard tier parameters support a maximum parameter value of 4096 characters.")
	case there && !in.Overwrite:
		return out, badRequest("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	}
	c.parameters[in.Name] = stored{in.Value, known.version + 1, c.now()}
	return putParameterOutput{known.version + 1, "Standard"}, nil
}

type parameterView struct {
	ARN              string
	DataType         string
	LastModifiedDate epoch
	Name, Type       string
	Value            string
	Version          int
}

func (c *Cloud) getParameter(in struct{ Name string }) (out struct{ Parameter parameterView }, err error) {
	p, there := c.parameters[in.Name]
	if !there {
		return out, badRequest("ParameterNotFound", "")
	}
	out.Parameter = parameterView{
		ARN: "arn:aws:ssm:" + c.config.Region + ":" + c.config.Account + ":parameter" + in.Name, DataType: "text",
		LastModifiedDate: epoch{p.written}, Name: in.Name, Type: "String", Value: p.value, Version: p.version,
	}
	return out, nil
}
