package cloud

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"
)

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
