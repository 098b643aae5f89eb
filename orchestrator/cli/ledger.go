package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/ledger"
)

func ledgerCommand() *cli.Command {
	return &cli.Command{
		Name:  "ledger",
		Usage: "what the fleet remembers outside its hosts",
		Subcommands: []*cli.Command{
			{Name: "where", Usage: "say where the ledger is", Flags: flags(regionFlag(), ledgerFlags()), Action: whereLedger},
			{Name: "ddl", Usage: "print the table of the hosts for Amazon Athena", Flags: flags(regionFlag(), ledgerFlags()), Action: printDDL},
		},
	}
}

func whereLedger(c *cli.Context) error {
	location, err := theLocation(c)
	if err == nil {
		_, err = fmt.Fprintln(c.App.Writer, location)
	}
	return err
}

// printDDL prints the statement that makes the table.
func printDDL(c *cli.Context) error {
	location, err := theLocation(c)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(location, ledger.Scheme) {
		return usageError{fmt.Errorf("the ledger is %s, and Athena reads S3: give --ledger s3://BUCKET/PREFIX; docs/ledger.md has queries for a folder", location)}
	}
	_, err = fmt.Fprint(c.App.Writer, ledger.DDL(strings.TrimSuffix(location, "/")))
	return err
}

// theLocation is that of the ledger.
func theLocation(c *cli.Context) (string, error) {
	if err := noArguments(c); err != nil {
		return "", err
	}
	if err := validateLedger(c); err != nil {
		return "", err
	}
	location, _, err := locate(c, loadOnce(c, c.String("region")))
	return location, err
}
