package aws

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withDevice makes a profile whose role wants a code.
func withDevice(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "config")
	require.NoError(t, os.WriteFile(file, []byte("[profile mfa]\nregion = eu-central-1\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = own\nmfa_serial = arn:aws:iam::123456789012:mfa/anna\n[profile own]\naws_access_key_id = AKIA\naws_secret_access_key = s\n"), 0o600))
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": file, "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none"), "AWS_PROFILE": "mfa",
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "",
	} {
		t.Setenv(name, value)
	}
}

// TestMFA: credentials that a code was asked for serve every load: STS takes no code twice.
func TestMFA(t *testing.T) {
	withDevice(t)
	ctx := WithMFA(t.Context(), func(string) (string, error) { return "123456", nil })
	first, err := load(ctx, "")
	require.NoError(t, err)
	second, err := load(ctx, "us-east-1")
	require.NoError(t, err)
	assert.Same(t, first.Credentials, second.Credentials)
	assert.Equal(t, "us-east-1", second.Region)
}

// TestCodeOfTheDevice: the code is that of the profile's device.
func TestCodeOfTheDevice(t *testing.T) {
	m := &mfa{ask: func(serial string) (string, error) { return "code of " + serial, nil }}
	options, _ := m.options()
	var load config.LoadOptions
	for _, option := range options {
		require.NoError(t, option(&load))
	}
	o := stscreds.AssumeRoleOptions{SerialNumber: aws.String("GAHT12345678")}
	load.AssumeRoleCredentialOptions(&o)
	code, err := o.TokenProvider()
	require.NoError(t, err)
	assert.Equal(t, "code of GAHT12345678", code)
}

// TestMFAWithoutTerminal: whoever cannot be asked is told what to do.
func TestMFAWithoutTerminal(t *testing.T) {
	withDevice(t)
	_, err := Load(context.Background(), "")
	require.Error(t, err)
	assert.Contains(t, Explain(err), "wants a code of an MFA device (mfa_serial), and there is no terminal to ask for it")
}
