package cloudwatch

import (
	"fmt"
	"net/http"
)

// Codes of errors, as the Query protocol spells them.
const (
	codeInvalidValue       = "InvalidParameterValue"
	codeInvalidCombination = "InvalidParameterCombination"
	codeMissing            = "MissingParameter"
	codeInvalidNextToken   = "InvalidNextToken"
	codeValidation         = "ValidationError"
	codeInternal           = "InternalServiceError"
	codeTooLarge           = "RequestEntityTooLarge"
	codeMalformed          = "SerializationException"    // "MalformedInput" in Query
	codeUnknownOperation   = "UnknownOperationException" // "InvalidAction" in Query
)

// shapes are the names of the modelled errors where they differ from the code
// (the service's API model, the trait awsQueryError).
var shapes = map[string]string{
	codeInvalidValue:       "InvalidParameterValueException",
	codeInvalidCombination: "InvalidParameterCombinationException",
	codeMissing:            "MissingRequiredParameterException",
	codeInternal:           "InternalServiceFault",
}

// fault is an error the service answers with. Its message quotes what the
// caller sent, so that it is printable whatever that was.
type fault struct {
	status  int
	code    string
	message string
}

func (f *fault) Error() string { return f.code + ": " + f.message }

// shape is the type of the error in the protocols that name types.
func (f *fault) shape() string {
	if s, ok := shapes[f.code]; ok {
		return "com.amazonaws.cloudwatch#" + s
	}
	return f.code
}

// queryError is the header x-amzn-query-error, by which clients of the newer
// protocols learn the code that the Query protocol has always had.
func (f *fault) queryError() string { return f.code + ";" + f.party() }

// party says whose fault it is.
func (f *fault) party() string {
	if f.status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

func refuse(code, format string, args ...any) *fault {
	return &fault{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

func invalidValue(format string, args ...any) *fault {
	return refuse(codeInvalidValue, format, args...)
}

func invalidCombination(format string, args ...any) *fault {
	return refuse(codeInvalidCombination, format, args...)
}

func missing(path string) *fault {
	return refuse(codeMissing, "The parameter %s is required.", path)
}

func validation(format string, args ...any) *fault {
	return refuse(codeValidation, format, args...)
}

func malformed(format string, args ...any) *fault {
	return refuse(codeMalformed, format, args...)
}

func unknownOperation(name string) *fault {
	return refuse(codeUnknownOperation, "Could not find operation %.100q for version %s.", name, apiVersion)
}
