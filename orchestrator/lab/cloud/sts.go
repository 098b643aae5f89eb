package cloud

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
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
	return assumeRoleResponse{
		Namespace:    stsNamespace,
		ARN:          "arn:aws:sts::" + account + ":assumed-role/" + name + "/" + session,
		RoleID:       "AROALAB:" + session,
		AccessKeyID:  c.newSession(account),
		SecretKey:    "lab",
		SessionToken: "lab",
		Expiration:   isoDate(c.now().Add(roleTime)),
		RequestID:    q.id,
	}, nil
}

// An access key says of which account a session is and when it was made, in
// milliseconds: every account and region can tell, without a word to each other.
const sessionKey = "ASIA%12s%013d"

func (c *Cloud) newSession(account string) string {
	return fmt.Sprintf(sessionKey, account, c.now().UnixMilli())
}

// readSession reads an access key. A user's is no session.
func readSession(key string) (account string, made time.Time, ok bool) {
	var ms int64
	if _, err := fmt.Sscanf(key, sessionKey, &account, &ms); err != nil {
		return "", time.Time{}, false
	}
	return account, time.UnixMilli(ms), true
}

// credential is what a signature says of who calls, and where.
func credential(r *http.Request) (key, region string, signed bool) {
	scope, signed := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=")
	parts := strings.Split(scope, "/") // KEY/DATE/REGION/SERVICE/aws4_request
	if len(parts) > 2 {
		region = parts[2]
	}
	return parts[0], region, signed
}

// authenticated refuses requests without a signature, and those of a session
// that has ended. Which signature it is does not matter.
func (c *Cloud) authenticated(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, q *request) {
		key, _, signed := credential(r)
		switch {
		case !signed && q.service == s3Service: // nothing in it is public
			q.refuse(w, &apiError{http.StatusForbidden, "AccessDenied", "Access Denied"})
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
	_, made, session := readSession(key)
	if !session || c.now().Sub(made) < cmp.Or(c.config.Faults.Session, roleTime) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults[string(ended)]++
	return true
}

// expiredSession is how each service says that credentials have expired.
func (q *request) expiredSession() *apiError {
	switch q.protocol {
	case ec2Query:
		return badRequest("RequestExpired", "Request has expired.")
	case awsQuery:
		return &apiError{http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired"}
	}
	return badRequest("ExpiredTokenException", "The security token included in the request is expired")
}
