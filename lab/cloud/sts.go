package cloud

import (
	"encoding/xml"
	"net/http"
	"regexp"
	"slices"
	"time"
)

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// roleTime is how long the credentials of a role last.
const roleTime = time.Hour

var roleARN = regexp.MustCompile(`^arn:aws:iam::([0-9]{12}):role/(.+)$`)

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
// every role of the accounts that are known.
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
	account, name := "", ""
	if m := roleARN.FindStringSubmatch(role); m != nil && slices.Contains(c.config.Accounts, m[1]) {
		account, name = m[1], m[2]
	}
	if session == "" {
		return nil, badRequest("ValidationError", "RoleSessionName must not be null")
	}
	if account == "" {
		return nil, &apiError{http.StatusForbidden, "AccessDenied", "User: " + c.user() + " is not authorized to perform: sts:AssumeRole on resource: " + role}
	}
	taken := c.config.Keys.Session(account, c.now())
	return assumeRoleResponse{
		Namespace:    stsNamespace,
		ARN:          "arn:aws:sts::" + account + ":assumed-role/" + name + "/" + session,
		RoleID:       "AROALAB:" + session,
		AccessKeyID:  taken.ID,
		SecretKey:    taken.Secret,
		SessionToken: taken.Token,
		Expiration:   isoDate(c.now().Add(roleTime)),
		RequestID:    q.id,
	}, nil
}
