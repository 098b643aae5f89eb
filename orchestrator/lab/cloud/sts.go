package cloud

import "encoding/xml"

type getCallerIdentityResponse struct {
	XMLName   xml.Name `xml:"GetCallerIdentityResponse"`
	Namespace string   `xml:"xmlns,attr"`
	ARN       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

// serveSTS says that every caller is the same user of the account.
func (c *Cloud) serveSTS(q *request) (any, error) {
	if q.operation != "GetCallerIdentity" {
		return nil, q.unknownOperation()
	}
	return getCallerIdentityResponse{
		Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		ARN:       "arn:aws:iam::" + c.config.Account + ":user/lab",
		UserID:    "AIDALAB",
		Account:   c.config.Account,
		RequestID: q.id,
	}, nil
}
