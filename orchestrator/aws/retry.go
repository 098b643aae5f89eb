package aws

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
)

// attempts is how often a call is made at most, unless AWS_MAX_ATTEMPTS says otherwise. A
// sweep of 50,000 hosts makes a thousand calls. If one call in fourteen fails, three
// attempts, the SDK's default, would lose one in some thousands.
const attempts = 10

// patient is one retryer for all calls of one account and region: if AWS throttles one
// call, the others slow down too (retry mode "adaptive"). The context may have somebody who
// is told (WithRetryNotice).
func patient(ctx context.Context, credentials aws.CredentialsProvider) func() aws.Retryer {
	r := retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) {
			o.MaxAttempts = attempts
			o.Retryables = append([]retry.IsErrorRetryable{renewed(credentials), retry.IsErrorRetryableFunc(cutOff)}, o.Retryables...)
		})
	})
	w := watchful{RetryerV2: r}
	w.notice, _ = ctx.Value(retryNoticeKey{}).(func(int, error))
	return func() aws.Retryer { return w }
}

// cutOff repeats a call whose answer ended in the middle. The SDK takes such an answer for
// one that nobody can read.
func cutOff(err error) aws.Ternary {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// unsent lets the SDK repeat a call only if the service refused it for its rate or for
// expired credentials. SendCommand has no idempotency token: after any other error it may
// have been sent, and a second one would be a second run on every host.
func unsent(credentials aws.CredentialsProvider) func(*ssm.Options) {
	return func(o *ssm.Options) {
		most := attempts
		if o.RetryMaxAttempts > 0 { // AWS_MAX_ATTEMPTS
			most = o.RetryMaxAttempts
		}
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = most
			r.Retryables = []retry.IsErrorRetryable{
				renewed(credentials), retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes},
			}
		})
	}
}

// expired are the codes with which services refuse credentials that were valid
// (AWS "Common errors"; JSON, Query and EC2 spell it differently).
var expired = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}

// renewed repeats a call with new credentials if the service says that they have expired.
// The SDK renews credentials by their date only. A session that ends before it, or a clock
// that is behind, would fail a sweep that takes hours. Credentials without a date cannot be
// renewed.
func renewed(credentials aws.CredentialsProvider) retry.IsErrorRetryable {
	return retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		var api smithy.APIError
		cache, ok := credentials.(*aws.CredentialsCache)
		if !ok || !errors.As(err, &api) || !slices.Contains(expired, api.ErrorCode()) {
			return aws.UnknownTernary
		}
		if now, err := cache.Retrieve(context.Background()); err == nil && !now.CanExpire {
			return aws.UnknownTernary
		}
		cache.Invalidate()
		return aws.TrueTernary
	})
}
