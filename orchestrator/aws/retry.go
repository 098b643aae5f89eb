package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// attempts is how often a call is made at most, unless AWS_MAX_ATTEMPTS says
// otherwise. The SDK's three would lose one call in some thousands where one in
// fourteen fails, and a sweep of 50,000 hosts makes a thousand.
const attempts = 10

// patient is one retryer for all calls of one account and region: what AWS
// throttles of one call slows down the others too (retry mode "adaptive").
func patient() func() aws.Retryer {
	r := retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) { o.MaxAttempts = attempts })
	})
	return func() aws.Retryer { return r }
}

// unsent lets the SDK repeat a call only where the service refused it for its
// rate. SendCommand has no idempotency token: after any other error it may have
// been sent, and a second one would be a second run on every host.
func unsent(o *ssm.Options) {
	most := attempts
	if o.RetryMaxAttempts > 0 { // AWS_MAX_ATTEMPTS
		most = o.RetryMaxAttempts
	}
	o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
		r.MaxAttempts = most
		r.Retryables = []retry.IsErrorRetryable{retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes}}
	})
}
