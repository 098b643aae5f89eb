package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/deploy"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

func installCommand() *cli.Command {
	return &cli.Command{
		Name:      "install",
		Usage:     "bring the node to hosts, from a bucket",
		UsageText: "orchestrator install --bucket BUCKET --packages dist --tag env=prod [options]",
		Description: "Uploads the packages that are not in the bucket yet, publishes " + documents.Install + " with\n" +
			"their SHA-256, and runs it. Hosts need the right to read the bucket; see docs/iam.md.",
		Flags: flags(
			&cli.StringFlag{Name: "bucket", EnvVars: env("BUCKET"), Usage: "S3 `BUCKET` for the packages"},
			&cli.StringFlag{Name: "bucket-region", EnvVars: env("BUCKET_REGION"), DefaultText: "the first region of the hosts", Usage: "`REGION` of the bucket"},
			&cli.StringFlag{Name: "prefix", EnvVars: env("PREFIX"), Value: "aide-node", Usage: "`FOLDER` in the bucket"},
			&cli.StringFlag{Name: "to", EnvVars: env("TO"), DefaultText: "where it is, or /usr/bin", Usage: "`FOLDER` for the node, where /usr/bin is read-only"},
			&cli.StringFlag{Name: "packages", TakesFile: true, EnvVars: env("PACKAGES"), Value: "dist", Usage: "`FOLDER` that make dist made, with SHA256SUMS"},
			targetFlags(), placeFlags(), targetTypeFlag(), spreadFlags(), waitFlags(), whyFlag(), ledgerFlags(), outputFlag(), allHostsFlag(),
			dryRunFlag("say what would be uploaded, published and run, and change nothing")),
		Action: install,
	}
}

// installation is what install does, whatever the targeted hosts.
type installation struct {
	out      output
	place    deploy.Place
	packages []deploy.Package
	document documents.Document
	as       deploy.As
	storage  deploy.Storage
	regions  []sweep.Region
	accounts []aws.Operations // of the regions
}

func install(c *cli.Context) error {
	s, list, err := selectorOf(c)
	if err != nil {
		return err
	}
	if err := cmp.Or(validateSpread(c), validateWait(c), validateLedger(c), validateWhy(c)); err != nil {
		return err
	}
	to := c.String("to")
	if err := documents.ValidateFolder(to); err != nil {
		return usageError{fmt.Errorf("--to %q: %w", to, err)}
	}
	i := installation{}
	if i.as, err = publishAs(c); err != nil {
		return err
	}
	if i.out, err = newOutput(c); err != nil {
		return err
	}
	where, err := places(c, list)
	if err != nil {
		return err
	}
	if err := i.prepare(c, where); err != nil {
		return err
	}
	if s, err = resolveNames(c.Context, i.regions, s); err != nil {
		return err
	}
	o := sweep.Options{
		Selector: s, Request: request(c, documents.Install, nil), Name: newName("install"),
		Wait: c.Duration("wait"), Explain: explainError, Progress: i.out.progress,
	}
	if to != "" {
		o.Request.Parameters = map[string]string{"to": to}
	}
	if c.Bool("dry-run") {
		if err := i.plan(c.Context); err != nil {
			return err
		}
		return dryRun(c.Context, i.out, i.regions, s, documents.Install)
	}
	// If no host is targeted, nothing is changed.
	if _, err := sweep.Select(c.Context, i.regions, s); err != nil {
		return err
	}
	if err := i.publish(c.Context); err != nil {
		return err
	}
	o.Sent, o.Ledger, o.Act = i.out.sent(s.String()), ledgerOf(c, i.regions[0].Name), actOf(c, ledger.Install, i.regions[0].Name)
	return writeReportOf(i.out, func() (report.Report, error) { return sweep.Run(c.Context, i.regions, o) })
}

// prepare reads the packages, connects, and makes the document.
func (i *installation) prepare(c *cli.Context, where []aws.Place) error {
	i.place = deploy.Place{Bucket: c.String("bucket"), Prefix: c.String("prefix"), Region: c.String("bucket-region")}
	if i.place.Bucket == "" {
		return usageError{errors.New("no bucket: give --bucket, a bucket that the hosts may read")}
	}
	if err := i.place.Validate(); err != nil {
		return usageError{err}
	}
	if err := validatePlace("", i.place.Region); err != nil {
		return usageError{fmt.Errorf("--bucket-region: %w", err)}
	}
	var err error
	if i.packages, err = deploy.ReadPackages(c.String("packages")); err != nil {
		return usageError{fmt.Errorf("--packages: %w", err)}
	}
	// The first place gives the rights to write to the bucket.
	bucket := aws.Place{Region: cmp.Or(i.place.Region, where[0].Region), Role: where[0].Role}
	all, err := aws.LoadAll(c.Context, append(slices.Clip(where), bucket))
	if err != nil {
		return err
	}
	i.accounts = all[:len(where)]
	o := all[len(where)]
	i.place.Region = o.Region
	i.storage = deploy.Storage{PutObject: o.PutObject, HeadObject: o.HeadObject}
	i.regions = connect(where, i.accounts)
	pins, err := i.place.Pins(i.packages)
	if err == nil {
		i.document, err = pins.Render()
	}
	if err != nil {
		return usageError{err}
	}
	return nil
}

// publish uploads the missing packages. Then it makes the document that pins them the
// default one in every place.
func (i *installation) publish(ctx context.Context) error {
	for _, k := range i.packages {
		uploaded, err := deploy.Upload(ctx, i.storage, i.place, k)
		if err != nil {
			return err
		}
		state := "is there already"
		if uploaded {
			state = "uploaded"
		}
		i.out.note("%s: %s", i.object(k), state)
	}
	for n, o := range i.accounts {
		change, err := deploy.Publish(ctx, documentAPI(o), i.document, i.as)
		if err != nil {
			return fmt.Errorf("%s: %w", i.where(n), err)
		}
		i.out.note("%s: %s %s", i.where(n), i.document.Name, change)
	}
	return nil
}

// plan says what publish would do, and makes no call that changes anything.
func (i *installation) plan(ctx context.Context) error {
	for _, k := range i.packages {
		stored, err := deploy.Stored(ctx, i.storage, i.place, k)
		if err != nil {
			return err
		}
		state := "would be uploaded"
		if stored {
			state = "is there already"
		}
		fmt.Fprintf(i.out.beside(), "%s\t%s\t%s\n", i.object(k), k.Version, state)
	}
	for n, o := range i.accounts {
		change, err := wouldPublish(ctx, documentAPI(o), i.document, i.as)
		if err != nil {
			return fmt.Errorf("%s: %w", i.where(n), err)
		}
		fmt.Fprintf(i.out.beside(), "%s\t%s\t%s\n", i.document.Name, i.where(n), change)
	}
	return nil
}

func (i *installation) object(k deploy.Package) string {
	return "s3://" + i.place.Bucket + "/" + i.place.Key(k)
}

// where names the account and region of a place.
func (i *installation) where(n int) string {
	if a := i.regions[n].Account; a != "" {
		return a + " " + i.regions[n].Name
	}
	return i.regions[n].Name
}
