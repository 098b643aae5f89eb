package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/deploy"
	"aidefleet/orchestrator/report"
	documents "aidefleet/ssm-documents"
)

func documentsCommand() *cli.Command {
	return &cli.Command{
		Name:  "documents",
		Usage: "the SSM documents of this program, and those of the account",
		Subcommands: []*cli.Command{
			{Name: "publish", Usage: "create or update them in the account", Flags: []cli.Flag{regionFlag(), targetTypeFlag(), pinFlag()},
				Action: func(c *cli.Context) error { return eachDocument(c, deploy.Publish) }},
			{Name: "diff", Usage: "say what publish would do", Flags: []cli.Flag{regionFlag(), pinFlag()},
				Action: func(c *cli.Context) error { return eachDocument(c, wouldPublish) }},
			{Name: "list", Usage: "say what the account has of them: versions, digests, and whether they are the same as here",
				Flags: []cli.Flag{regionFlag(), outputFlag(listFormats...)}, Action: listDocuments},
		},
	}
}

// listFormats are the forms of a list that is no report.
var listFormats = []string{"table", "json"}

// targetTypeFlag is for the commands that publish documents.
func targetTypeFlag() cli.Flag {
	return &cli.StringFlag{Name: "target-type", EnvVars: env("TARGET_TYPE"), DefaultText: deploy.Instances + " for new documents",
		Usage: "`TYPE` of what the documents may run on: " + deploy.Instances + ", or " + deploy.Anything + " for hybrid nodes too"}
}

func pinFlag() cli.Flag {
	return &cli.StringFlag{Name: "pin-node", EnvVars: env("PIN_NODE"), Usage: "let " + documents.Check + " run no aide-node but those of the packages in this `FOLDER`, which make dist made"}
}

// pinned are the documents as the flags want them published.
func pinned(c *cli.Context) ([]documents.Document, error) {
	list := documents.All()
	folder := c.String("pin-node")
	if folder == "" {
		return list, nil
	}
	packages, err := deploy.ReadPackages(folder)
	if err != nil {
		return nil, usageError{fmt.Errorf("--pin-node: %w", err)}
	}
	var digests []string
	for _, p := range packages {
		digest, err := p.ProgramSHA256()
		if err != nil {
			return nil, usageError{fmt.Errorf("--pin-node: %w", err)}
		}
		digests = append(digests, digest)
	}
	for i := range list {
		if list[i], err = documents.PinNode(list[i], digests...); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// publishAs says how the flags want a document published.
func publishAs(c *cli.Context) (deploy.As, error) {
	as := deploy.As{TargetType: c.String("target-type"), Version: Version}
	switch as.TargetType {
	case "", deploy.Instances, deploy.Anything:
		return as, nil
	}
	return as, usageError{fmt.Errorf("--target-type %.80q: want %s or %s", as.TargetType, deploy.Instances, deploy.Anything)}
}

func documentAPI(o aws.Operations) deploy.API {
	return deploy.API{
		GetDocument: o.GetDocument, DescribeDocument: o.DescribeDocument, CreateDocument: o.CreateDocument,
		UpdateDocument: o.UpdateDocument, UpdateDocumentDefaultVersion: o.UpdateDocumentDefaultVersion,
		AddTagsToResource: o.AddTagsToResource,
	}
}

// eachDocument prints what an operation did, or would do, with each document.
func eachDocument(c *cli.Context, do func(context.Context, deploy.API, documents.Document, deploy.As) (deploy.Change, error)) error {
	if err := noArguments(c); err != nil {
		return err
	}
	as, err := publishAs(c)
	if err != nil {
		return err
	}
	list, err := pinned(c)
	if err != nil {
		return err
	}
	o, err := aws.Load(c.Context, c.String("region"))
	if err != nil {
		return err
	}
	for _, d := range list {
		change, err := do(c.Context, documentAPI(o), d, as)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "%s\t%s\n", d.Name, change)
	}
	return nil
}

// wouldPublish is Publish without its effect.
func wouldPublish(ctx context.Context, api deploy.API, d documents.Document, _ deploy.As) (deploy.Change, error) {
	change, err := deploy.Compare(ctx, api, d)
	if change == deploy.Pinned {
		change = deploy.Updated
	}
	if err == nil && change != deploy.Same {
		change = "would be " + change
	}
	return change, err
}

func listDocuments(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	out, err := newOutput(c, listFormats...)
	if err != nil {
		return err
	}
	o, err := aws.Load(c.Context, c.String("region"))
	if err != nil {
		return err
	}
	list, err := deploy.List(c.Context, documentAPI(o))
	if err != nil {
		return err
	}
	if out.format == "json" {
		text, err := json.MarshalIndent(list, "", " ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out.stdout, "%s\n", text)
		return err
	}
	return drawDocuments(out, list)
}

// drawDocuments writes a table, or on a pipe the same fields separated by tabs.
func drawDocuments(out output, list []deploy.Entry) (err error) {
	w := out.stdout
	if out.format == "table" {
		t := tabwriter.NewWriter(out.stdout, 0, 0, 2, ' ', 0)
		defer func() { err = errors.Join(err, t.Flush()) }()
		w = t
		fmt.Fprintln(w, "DOCUMENT\tSTATE\tDEFAULT\tLATEST\tTARGET\tSHA256")
	}
	for _, e := range list {
		fields := []any{e.Name, e.State}
		for _, text := range []string{e.Default, e.Latest, e.Target, e.Hash} {
			if text == "" {
				text = "-"
			}
			fields = append(fields, report.Escape(text))
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", fields...); err != nil {
			return err
		}
	}
	return nil
}
