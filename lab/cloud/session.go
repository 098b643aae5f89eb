package cloud

import (
	"cmp"
	"errors"
	"net/http"

	"aidefleet/lab/sigv4"
)

// signingNames are what the services are called in signatures.
var signingNames = map[string]string{
	ssmService: "ssm", messageService: "ec2messages", cloudWatch: "monitoring",
	ec2Service: "ec2", stsService: "sts", snsService: "sns", s3Service: "s3", eventService: "events", trailService: "cloudtrail",
}

// agentOperations are those of SSM that an agent calls.
var agentOperations = map[string]bool{
	"UpdateInstanceInformation": true, "ListInstanceAssociations": true, "ListAssociations": true, "GetParameters": true,
	"PutComplianceItems": true, "PutInventory": true, "UpdateInstanceAssociationStatus": true,
}

// authenticated refuses requests that nobody signed who may, those of a session
// that has ended, and those of a host that are not its agent's.
func (c *Cloud) authenticated(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, q *request) {
		name, known := signingNames[q.service]
		if !known {
			q.refuse(w, q.unknownOperation())
			return
		}
		key, err := c.config.Keys.Verify(r, q.body, name, c.config.Region)
		switch {
		case err != nil:
			c.config.Logger.Warn("request refused", "operation", q.operation, "error", err)
			q.refuse(w, q.unauthenticated(err))
		case c.over(key):
			q.refuse(w, q.expiredSession())
		case key.Agent && !q.ofAgent():
			q.refuse(w, &apiError{http.StatusForbidden, "AccessDeniedException", "A host may not call " + q.operation + "."})
		default:
			next(w, r, q)
		}
	}
}

// over says that a key is of a session that has ended.
func (c *Cloud) over(key sigv4.Key) bool {
	if key.Made.IsZero() || c.now().Sub(key.Made) < cmp.Or(c.config.Faults.Session, roleTime) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults[string(ended)]++
	return true
}

// ofAgent says that an agent makes such a request. What a host may do in S3 is for
// S3 to say.
func (q *request) ofAgent() bool {
	switch q.service {
	case messageService, s3Service:
		return true
	case ssmService:
		return agentOperations[q.operation]
	}
	return false
}

// refusals are how the services say that they do not know who calls (the "Common
// errors" of each API reference; EC2, "Error codes"; S3, "Error responses").
var refusals = []struct {
	why                  error
	json, query, ec2, s3 string // codes; those of JSON are CBOR's too
	message              string
}{
	{sigv4.ErrUnsigned, "MissingAuthenticationToken", "MissingAuthenticationToken", "MissingAuthenticationToken", "AccessDenied",
		"Missing Authentication Token"},
	{sigv4.ErrIncomplete, "IncompleteSignatureException", "IncompleteSignature", "IncompleteSignature", "AuthorizationHeaderMalformed",
		"The request signature does not conform to AWS standards."},
	{sigv4.ErrUnknownKey, "UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "InvalidAccessKeyId",
		"The security token included in the request is invalid."},
	{sigv4.ErrSkewed, "InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed",
		"Signature expired or not yet current."},
	{sigv4.ErrMismatch, "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", "SignatureDoesNotMatch",
		"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method."},
}

// unauthenticated is the error for a request that sigv4 refused.
func (q *request) unauthenticated(err error) *apiError {
	for _, r := range refusals {
		if !errors.Is(err, r.why) {
			continue
		}
		code := map[protocol]string{awsQuery: r.query, ec2Query: r.ec2, restXML: r.s3}[q.protocol]
		return &apiError{http.StatusForbidden, cmp.Or(code, r.json), r.message}
	}
	return &apiError{http.StatusForbidden, "AccessDenied", err.Error()}
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
