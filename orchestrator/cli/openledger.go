package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/aws/awscall"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
)

// What the stack names its ledger in Parameter Store.
const (
	ledgerParameter    = "/aidefleet/ledger"
	ledgerKeyParameter = "/aidefleet/ledger-kms-key"
)

// noLedger is the location of none.
const noLedger = "none"

// ledgerFlags say where the ledger is.
func ledgerFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "ledger", EnvVars: env("LEDGER"), Usage: "`LOCATION` of what the fleet remembers: a folder, s3://BUCKET/PREFIX, or none; the stack's where it is not given, else a folder of yours"},
		&cli.StringFlag{Name: "ledger-kms-key", EnvVars: env("LEDGER_KMS_KEY"), Usage: "`KEY` that encrypts what is written to s3://: the id, ARN or alias of a KMS key, or AES256"},
	}
}

func validateLedger(c *cli.Context) error {
	location, key := c.String("ledger"), c.String("ledger-kms-key")
	if location == "" || location == noLedger {
		location = ledger.Scheme + "bucket" // of the stack's, a key is right or wrong alike
	}
	if err := ledger.Validate(location, key); err != nil {
		return usageError{fmt.Errorf("--ledger: %w", err)}
	}
	return nil
}

// locate says where the ledger is that the flags name, or the one that the stack of this
// account and region names, or a folder of the user's; and the key that encrypts it. AWS is
// only asked if the flags do not say where it is.
func locate(c *cli.Context, load func() (aws.Operations, error)) (location, key string, err error) {
	location, key = c.String("ledger"), c.String("ledger-kms-key")
	if location != "" {
		return location, key, nil
	}
	o, err := load()
	if err != nil {
		return "", "", err
	}
	if location, err = parameter(c.Context, o, ledgerParameter); err != nil {
		return "", "", err
	}
	if location == "" {
		location, err = userLedger()
		return location, "", err
	}
	if key == "" {
		key, err = parameter(c.Context, o, ledgerKeyParameter)
	}
	return location, key, err
}

// openLedger opens the ledger. It is nil if the user wants none.
func openLedger(c *cli.Context, load func() (aws.Operations, error)) (*ledger.Ledger, error) {
	location, key, err := locate(c, load)
	if err != nil || location == noLedger {
		return nil, err
	}
	var api ledger.S3API
	if strings.HasPrefix(location, ledger.Scheme) {
		o, err := load()
		if err != nil {
			return nil, err
		}
		api = ledgerAPI(o)
	}
	return ledger.Open(location, key, api)
}

func ledgerAPI(o aws.Operations) ledger.S3API {
	return ledger.S3API{GetObject: o.GetObject, PutObject: o.PutObject, ListObjectsV2: o.ListObjectsV2}
}

// parameter is a value in Parameter Store; empty if there is none, or the caller may not
// read it.
func parameter(ctx context.Context, o aws.Operations, name string) (string, error) {
	out, err := o.GetParameter(ctx, &ssm.GetParameterInput{Name: sdk.String(name)})
	var api smithy.APIError
	switch {
	case errors.As(err, &api) && api.ErrorCode() == "ParameterNotFound", awscall.Denied(err), awscall.Unknown(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("find the ledger: %w; or say where it is: --ledger", err)
	case out.Parameter == nil:
		return "", nil
	}
	return sdk.ToString(out.Parameter.Value), nil
}

// userLedger is a folder of the user's.
func userLedger() (string, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // as the XDG base directory specification has it
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find a folder for the ledger: %w; say where it is: --ledger", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "aidefleet", "ledger"), nil
}

// ledgerOf is openLedger for commands that go on without a ledger: whatever keeps it from
// being opened comes beside their results.
func ledgerOf(c *cli.Context, region string) *ledger.Ledger {
	l, err := openLedger(c, loadOnce(c, region))
	if err != nil {
		return &ledger.Ledger{Store: ledger.Unreachable{Err: err}}
	}
	return l
}

// needLedger is the ledger for commands that can do nothing without one.
func needLedger(c *cli.Context, region string) (*ledger.Ledger, error) {
	l, err := openLedger(c, loadOnce(c, region))
	if err == nil && l == nil {
		err = usageError{fmt.Errorf("--ledger %s: what this command is about is nowhere but in a ledger", noLedger)}
	}
	return l, err
}

// loadOnce loads the AWS operations of a region if they are needed, and once.
func loadOnce(c *cli.Context, region string) func() (aws.Operations, error) {
	return sync.OnceValues(func() (aws.Operations, error) { return aws.Load(c.Context, region) })
}

// whyFlag is the reason of an action.
func whyFlag() cli.Flag {
	return &cli.StringFlag{Name: "why", EnvVars: env("WHY"), Usage: "`TEXT` that the ledger keeps with it: the reason, a ticket"}
}

// maxWhy bounds a reason, in bytes.
const maxWhy = 500

func validateWhy(c *cli.Context) error {
	why := c.String("why")
	switch {
	case len(why) > maxWhy:
		return usageError{fmt.Errorf("--why has %d bytes, at most %d are kept", len(why), maxWhy)}
	case report.Escape(why) != why:
		return usageError{fmt.Errorf("--why %q: want text that can be read on a screen", why)}
	}
	return nil
}

// callerOf is the ARN of the caller, as the ledger names it.
func callerOf(c *cli.Context, region string) string {
	o, err := aws.Load(c.Context, region)
	if err != nil {
		return ledger.UnknownCaller
	}
	out, err := o.GetCallerIdentity(c.Context, &sts.GetCallerIdentityInput{})
	if err != nil || sdk.ToString(out.Arn) == "" {
		return ledger.UnknownCaller
	}
	return sdk.ToString(out.Arn)
}

// actOf is what a command does, as the ledger remembers it.
func actOf(c *cli.Context, kind ledger.Kind, region string) sweep.Act {
	return sweep.Act{Kind: kind, Who: callerOf(c, region), Why: c.String("why")}
}
