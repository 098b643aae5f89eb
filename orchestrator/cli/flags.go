package cli

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

func env(name string) []string { return []string{"ORCHESTRATOR_" + name} }

// commandFlags say how the hosts run the command.
func commandFlags() []cli.Flag {
	return flags(
		&durationFlag{cli.DurationFlag{Name: "execution-timeout", EnvVars: env("EXECUTION_TIMEOUT"), Value: 4 * time.Hour, Usage: "`TIME` AIDE may take on a host, 1m to 48h"}},
		spreadFlags(), reachFlags())
}

// spreadFlags say how many hosts run it at once.
func spreadFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "max-concurrency", EnvVars: env("MAX_CONCURRENCY"), Value: "100%", Usage: "`HOSTS` to run on at once, a number or a percentage"},
		&cli.StringFlag{Name: "max-errors", EnvVars: env("MAX_ERRORS"), Value: "100%", Usage: "failed `HOSTS` after which no more are started, a number or a percentage"},
	}
}

// reachFlags are for every command that runs one of All documents in the pipeline of a
// sweep.
func reachFlags() []cli.Flag {
	return flags(waitFlags(),
		&cli.StringFlag{Name: "config", EnvVars: env("CONFIG"), Usage: "`PATH` of AIDE's configuration on the hosts, where it is not a usual one"},
		&cli.StringFlag{Name: "document-version", EnvVars: env("DOCUMENT_VERSION"), Usage: "run this `VERSION` of the document, a number or $LATEST; its default version where it is not given"},
		&cli.StringFlag{Name: "document-hash", EnvVars: env("DOCUMENT_HASH"), Usage: "run nothing but a document with this `SHA256`, as orchestrator documents list prints it"})
}

// waitFlags are for every command that waits for hosts in the pipeline of a sweep.
func waitFlags() []cli.Flag {
	return []cli.Flag{deliveryFlag(), waitFlag()}
}

func deliveryFlag() cli.Flag {
	return &durationFlag{cli.DurationFlag{Name: "delivery-timeout", EnvVars: env("DELIVERY_TIMEOUT"), Value: 10 * time.Minute, Usage: "`TIME` a host may be unreachable, 30s to 720h"}}
}

func waitFlag() cli.Flag {
	return &durationFlag{cli.DurationFlag{Name: "wait", EnvVars: env("WAIT"), DefaultText: "no end", Usage: "give up waiting after this `TIME`; the command goes on"}}
}

// namespaceFlag says in which namespace the metrics are.
func namespaceFlag() cli.Flag {
	return &cli.StringFlag{Name: "namespace", EnvVars: env("NAMESPACE"), Value: metrics.DefaultNamespace, Usage: "CloudWatch `NAMESPACE`"}
}

// publishFlags say into which namespace and fleet the metrics go.
func publishFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "fleet", EnvVars: env("FLEET"), Usage: "`NAME` of the fleet in metrics; the target where it is not given"},
		namespaceFlag(),
		&cli.BoolFlag{Name: "no-publish", EnvVars: env("NO_PUBLISH"), Usage: "write no metrics"},
	}
}

// namespacePattern is what PutMetricData takes (CloudWatch API reference).
var namespacePattern = regexp.MustCompile(`^[0-9A-Za-z._/#:-]{1,255}$`)

// validatePublish checks the future namespace and dimension before anything is sent to a
// host.
func validatePublish(c *cli.Context, fleetName string) error {
	if n := c.String("namespace"); !namespacePattern.MatchString(n) || n[0] == ':' {
		return usageError{fmt.Errorf("--namespace %q: want letters, digits and . - _ / #", n)}
	}
	if n := c.String("fleet"); len(n) > sweep.MaxFleet {
		return usageError{fmt.Errorf("--fleet %.60q is longer than %d characters, and the command's comment must name it", n, sweep.MaxFleet)}
	}
	if err := metrics.ValidateDimension(fleetName); err != nil {
		return usageError{fmt.Errorf("fleet name %.80q cannot be a CloudWatch dimension: %w; give --fleet NAME", fleetName, err)}
	}
	return nil
}

// validateCommand checks the flags of commandFlags.
func validateCommand(c *cli.Context) error {
	_, execution := documents.ExecutionTimeout(c.Duration("execution-timeout"))
	return cmp.Or(flagError(c, "execution-timeout", execution), validateSpread(c), validateReach(c))
}

// validateSpread checks the flags of spreadFlags.
func validateSpread(c *cli.Context) error {
	return cmp.Or(
		flagError(c, "max-concurrency", runcommand.ValidateConcurrency(c.String("max-concurrency"))),
		flagError(c, "max-errors", runcommand.ValidateErrors(c.String("max-errors"))),
	)
}

// validateReach checks the flags of reachFlags, and that no argument is left.
func validateReach(c *cli.Context) error {
	return cmp.Or(
		flagError(c, "config", documents.ValidateConfig(c.String("config"))),
		flagError(c, "document-version", runcommand.ValidateDocumentVersion(c.String("document-version"))),
		flagError(c, "document-hash", runcommand.ValidateDocumentHash(c.String("document-hash"))),
		validateWait(c),
	)
}

// validateWait checks the flags of waitFlags, and that no argument is left.
func validateWait(c *cli.Context) error {
	if err := flagError(c, "delivery-timeout", runcommand.ValidateDelivery(c.Duration("delivery-timeout"))); err != nil {
		return err
	}
	switch {
	case c.Duration("wait") < 0:
		return usageError{fmt.Errorf("--wait %s is negative", c.Duration("wait"))}
	case c.Args().Present():
		return noArguments(c)
	}
	return nil
}

// flagError says which flag is wrong.
func flagError(c *cli.Context, name string, err error) error {
	if err == nil {
		return nil
	}
	value := c.Value(name)
	if text, ok := value.(string); ok {
		value = strconv.Quote(text)
	}
	return usageError{fmt.Errorf("--%s %v: %w", name, value, err)}
}

// request is the command that runs a document, by the flags of commandFlags. If a command
// line lacks some of them, all hosts run it at once, whatever fails.
func request(c *cli.Context, document string, parameters map[string]string) runcommand.Request {
	return runcommand.Request{
		Document: document, Parameters: parameters,
		DocumentVersion: c.String("document-version"), DocumentHash: c.String("document-hash"),
		DeliveryTimeout: c.Duration("delivery-timeout"),
		MaxConcurrency:  cmp.Or(c.String("max-concurrency"), "100%"), MaxErrors: cmp.Or(c.String("max-errors"), "100%"),
	}
}

// parameters are the document's, from the flags of commandFlags.
func parameters(c *cli.Context) map[string]string {
	seconds, _ := documents.ExecutionTimeout(c.Duration("execution-timeout")) // checked before
	p := map[string]string{"executionTimeout": seconds}
	if path := c.String("config"); path != "" {
		p["config"] = path
	}
	return p
}
