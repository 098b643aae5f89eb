package cloud

import (
	"encoding/xml"
	"net/http"
	"strings"
	"time"
)

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// roleTime is how long the credentials of a role last.
const roleTime = time.Hour

type getCallerIdentityResponse struct {
	XMLName   xml.Name `xml:"GetCallerIdentityResponse"`
	Namespace string   `xml:"xmlns,attr"`
	ARN       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

type assumeRoleResponse struct {
	XMLName      xml.Name `xml:"AssumeRoleResponse"`
	Namespace    string   `xml:"xmlns,attr"`
	ARN          string   `xml:"AssumeRoleResult>AssumedRoleUser>Arn"`
	RoleID       string   `xml:"AssumeRoleResult>AssumedRoleUser>AssumedRoleId"`
	AccessKeyID  string   `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
	SecretKey    string   `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
	SessionToken string   `xml:"AssumeRoleResult>Credentials>SessionToken"`
	Expiration   string   `xml:"AssumeRoleResult>Credentials>Expiration"`
	RequestID    string   `xml:"ResponseMetadata>RequestId"`
}

// serveSTS says that every caller is the same user of the account, who may take
// every role of it and none of another.
func (c *Cloud) serveSTS(q *request) (any, error) {
	switch q.operation {
	case "GetCallerIdentity":
		return getCallerIdentityResponse{
			Namespace: stsNamespace,
			ARN:       c.user(),
			UserID:    "AIDALAB",
			Account:   c.config.Account,
			RequestID: q.id,
		}, nil
	case "AssumeRole":
		return c.assumeRole(q)
	}
	return nil, q.unknownOperation()
}

func (c *Cloud) user() string { return "arn:aws:iam::" + c.config.Account + ":user/lab" }

func (c *Cloud) assumeRole(q *request) (any, error) {
	role, session := q.form.Get("RoleArn"), q.form.Get("RoleSessionName")
	name, own := strings.CutPrefix(role, "arn:aws:iam::"+c.config.Account+":role/")
	if session == "" {
		return nil, badRequest("ValidationError", "RoleSessionName must not be null")
	}
	if !own || name == "" {
		return nil, &apiError{http.StatusForbidden, "AccessDenied", "User: " + c.user() + " is not authorized to perform: sts:AssumeRole on resource: " + role}
	}
	return assumeRoleResponse{
		Namespace:    stsNamespace,
		ARN:          "arn:aws:sts::" + c.config.Account + ":assumed-role/" + name + "/" + session,
		RoleID:       "AROALAB:" + session,
		AccessKeyID:  "ASIALAB",
		SecretKey:    "lab",
		SessionToken: "lab",
		Expiration:   isoDate(c.now().Add(roleTime)),
		RequestID:    q.id,
	}, nil
}
