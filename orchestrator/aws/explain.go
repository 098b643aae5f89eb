package aws

import (
	"errors"
	"net"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"

	"aidefleet/orchestrator/aws/awscall"
)

// Explain says in one line what went wrong with an AWS call, and what to do next. If it
// knows nothing better, it returns the error's own text.
func Explain(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		text := doing(err, api) + api.ErrorCode()
		// An answer to HeadObject has no text.
		if message := oneLine(api.ErrorMessage()); message != "" && message != api.ErrorCode() {
			text += ": " + message
		}
		if strings.Contains(api.ErrorMessage(), "sts:AssumeRole") {
			return text + " (the role does not exist, its trust policy does not name the caller, or the caller's IAM policy lacks this action)"
		}
		hint := hints[api.ErrorCode()]
		if awscall.Denied(err) {
			hint = "the caller's IAM policy lacks this action"
		}
		if hint != "" {
			return text + " (" + hint + bucketRegion(err) + ")"
		}
		return text
	}
	text := oneLine(err.Error())
	var page *PageError
	var op *net.OpError
	var dns *net.DNSError
	var answer *awshttp.ResponseError
	switch {
	case errors.As(err, &page):
		before, _, _ := strings.Cut(text, "operation error ")
		return before + page.Error() + " (check the network, HTTPS_PROXY and AWS_ENDPOINT_URL)"
	case errors.As(err, new(config.AssumeRoleTokenProviderNotSetError)):
		return "the profile wants a code of an MFA device (mfa_serial), and there is no terminal to ask for it: set AWS_PROFILE to another profile, or sign in before and give the credentials: eval \"$(aws configure export-credentials --format env)\""
	case errors.Is(err, ErrNoRegion):
		return "no AWS region: give --region, or set AWS_REGION"
	case strings.Contains(text, "failed to refresh cached credentials"), strings.Contains(text, "get identity"):
		return "no AWS credentials: set AWS_PROFILE or sign in, or run where a role is attached (" + tail(text) + ")"
	case errors.As(err, &op), errors.As(err, &dns):
		return "AWS cannot be reached: check the network, --region and AWS_ENDPOINT_URL (" + tail(text) + ")"
	case errors.As(err, &answer):
		before, _, _ := strings.Cut(text, "operation error ")
		return before + "no answer of AWS's but HTTP " + answer.HTTPResponse().Status + ": check proxies and AWS_ENDPOINT_URL"
	}
	return text
}

const wrongRegion = "give the bucket's own region"

// bucketRegion is the region of the bucket, if S3 refused a call because it went to another
// region.
func bucketRegion(err error) string {
	var api smithy.APIError
	var answer *awshttp.ResponseError
	if !errors.As(err, &api) || hints[api.ErrorCode()] != wrongRegion || !errors.As(err, &answer) {
		return ""
	}
	if region := answer.HTTPResponse().Header.Get("X-Amz-Bucket-Region"); region != "" {
		return ", " + oneLine(region)
	}
	return ""
}

// hints are next steps by error code.
var hints = map[string]string{
	"ExpiredTokenException":        "sign in again",
	"ExpiredToken":                 "sign in again",
	"UnrecognizedClientException":  "these credentials are not valid here: check AWS_PROFILE",
	"InvalidClientTokenId":         "these credentials are not valid here: check AWS_PROFILE",
	"AuthFailure":                  "these credentials are not valid here: check AWS_PROFILE",
	"InvalidDocument":              "publish the documents to this account and region: orchestrator documents publish; orchestrator documents list has their digests",
	"InvalidDocumentVersion":       "orchestrator documents list has the versions",
	"DocumentLimitExceeded":        "delete documents that nobody runs, or raise the quota of SSM documents",
	"DocumentVersionLimitExceeded": "delete old versions of it: aws ssm delete-document --name NAME --document-version N",
	"MaxDocumentSizeExceeded":      "a document has at most 64 KB",
	"DocumentAlreadyExists":        "somebody has published it in this moment: try again",
	"DuplicateDocumentContent":     "an older version is the same: make that the default, or delete it",
	"DuplicateDocumentVersionName": "another version has that name: delete it, or give another",
	"NoSuchBucket":                 "make the bucket, or check its name and the account",
	"NotFound":                     "there is no such object or bucket",
	"Forbidden":                    "the caller's IAM policy or the bucket's lacks this action",
	"PermanentRedirect":            wrongRegion,
	"MovedPermanently":             wrongRegion, // to HeadObject, whose answer has no text
	"AuthorizationHeaderMalformed": wrongRegion,
	"SignatureDoesNotMatch":        "these credentials are not valid here: check AWS_PROFILE",
	"InvalidAccessKeyId":           "these credentials are not valid here: check AWS_PROFILE",
	"ThrottlingException":          "too many calls in this account: try again later",
}

// doing is the operation that failed, without the SDK's preamble.
func doing(err error, api smithy.APIError) string {
	text := err.Error()
	if before, _, found := strings.Cut(text, "operation error "); found {
		return before
	}
	return strings.TrimSuffix(text, api.Error())
}

// tail is the innermost cause.
func tail(text string) string {
	parts := strings.Split(text, ", ")
	return parts[len(parts)-1]
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
