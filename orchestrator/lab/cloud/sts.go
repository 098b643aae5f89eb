package cloud

import (
	"cmp"
	"encoding/xml"
	"fmt"
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
		AccessKeyID:  c.newSession(),
		SecretKey:    "lab",
		SessionToken: "lab",
		Expiration:   isoDate(c.now().Add(roleTime)),
		RequestID:    q.id,
	}, nil
}

// newSession makes the access key of a role that is taken.
func (c *Cloud) newSession() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := fmt.Sprintf("ASIALAB%013d", len(c.sessions))
	c.sessions[key] = c.now()
	return key
}

// authenticated refuses requests without a signature, and those of a session
// that has ended. Which signature it is does not matter.
func (c *Cloud) authenticated(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, q *request) {
		credential, signed := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=")
		key, _, _ := strings.Cut(credential, "/")
		switch {
		case !signed:
			q.refuse(w, &apiError{http.StatusForbidden, "MissingAuthenticationToken", "Missing Authentication Token"})
		case c.over(key):
			q.refuse(w, q.expiredSession())
		default:
			next(w, r, q)
		}
	}
}

// over says that an access key is of a session that has ended.
func (c *Cloud) over(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	made, known := c.sessions[key]
	over := known && c.now().Sub(made) >= cmp.Or(c.config.Faults.Session, roleTime)
	if over {
		c.faults[string(ended)]++
	}
	return over
}

// expiredSession is how each service says that credentials have expired.
func (q *request) expiredSession() *apiError {
	switch {
	case q.protocol == ec2Query:
		return badRequest("RequestExpired", "Request has expired.")
	case q.protocol == awsQuery:
		return &apiError{http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired"}
	}
	return badRequest("ExpiredTokenException", "The security token included in the request is expired")
}
