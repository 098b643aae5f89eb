package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/deploy"
	documents "aidefleet/ssm-documents"
)

func documentsCommand() *cli.Command {
	return &cli.Command{
		Name:  "documents",
		Usage: "the SSM documents of this program, and those of the account",
		Subcommands: []*cli.Command{
			{Name: "publish", Usage: "create or update them in the account", Flags: []cli.Flag{regionFlag()},
				Action: func(c *cli.Context) error { return eachDocument(c, deploy.Publish) }},
			{Name: "diff", Usage: "say what publish would do", Flags: []cli.Flag{regionFlag()},
				Action: func(c *cli.Context) error { return eachDocument(c, wouldPublish) }},
		},
	}
}

// eachDocument prints what an operation did with each document, or would do.
func eachDocument(c *cli.Context, do func(context.Context, deploy.API, documents.Document) (deploy.Change, error)) error {
	if c.Args().Present() {
		return usageError{fmt.Errorf("unexpected %q", c.Args().First())}
	}
	o, err := aws.Load(c.Context, c.String("region"))
	if err != nil {
		return err
	}
	api := deploy.API{
		GetDocument: o.GetDocument, CreateDocument: o.CreateDocument,
		UpdateDocument: o.UpdateDocument, UpdateDocumentDefaultVersion: o.UpdateDocumentDefaultVersion,
	}
	for _, d := range documents.All() {
		change, err := do(c.Context, api, d)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "%s\t%s\n", d.Name, change)
	}
	return nil
}

// wouldPublish is Publish without its effect.
func wouldPublish(ctx context.Context, api deploy.API, d documents.Document) (deploy.Change, error) {
	change, err := deploy.Compare(ctx, api, d)
	if err == nil && change != deploy.Same {
		change = "would be " + change
	}
	return change, err
}
