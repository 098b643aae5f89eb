package aws

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
)

type mfaKey struct{}

// mfa asks for codes of an MFA device, and keeps the credentials that it got for one: STS
// takes no code twice (IAM user guide, "Multi-factor authentication").
type mfa struct {
	ask func(serial string) (string, error)

	mu          sync.Mutex
	credentials aws.CredentialsProvider
}

// WithMFA returns a context with which Load and LoadAll ask for the code of the MFA device
// that a profile names, once. serial is the device's number or ARN.
func WithMFA(ctx context.Context, ask func(serial string) (code string, err error)) context.Context {
	return context.WithValue(ctx, mfaKey{}, &mfa{ask: ask})
}

// options are those of a load of the configuration. keep is called with the credentials
// that it found.
func (m *mfa) options() (options []func(*config.LoadOptions) error, keep func(aws.CredentialsProvider)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.credentials != nil {
		return []func(*config.LoadOptions) error{config.WithCredentialsProvider(m.credentials)}, func(aws.CredentialsProvider) {}
	}
	ask := config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
		serial := aws.ToString(o.SerialNumber)
		o.TokenProvider = func() (string, error) { return m.ask(serial) }
	})
	return []func(*config.LoadOptions) error{ask}, func(found aws.CredentialsProvider) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.credentials = found
	}
}
