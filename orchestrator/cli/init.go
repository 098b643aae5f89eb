package cli

import (
	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/ledger"
	documents "aidefleet/ssm-documents"
)

func initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "take the baseline on hosts that have none",
		UsageText: "orchestrator init --tag env=prod [--install-aide] [--profile FILE] [options]",
		Flags: flags(targetFlags(), placeFlags(), installFlag(),
			&cli.StringFlag{Name: "profile", TakesFile: true, EnvVars: env("PROFILE"), Usage: "configure the hosts with this `FILE` first, as orchestrator configure does"},
			&cli.BoolFlag{Name: "force", Usage: "take a new one also where there is one, which is kept beside it"},
			&cli.BoolFlag{Name: "yes", Usage: "do so although nobody has reviewed the changes since the present one"},
			whyFlag(), ledgerFlags(), commandFlags(), outputFlag(), allHostsFlag(),
			dryRunFlag("say which hosts would take one, and send nothing")),
		Action: initHosts,
	}
}

func installFlag() cli.Flag {
	return &cli.BoolFlag{Name: "install-aide", EnvVars: env("INSTALL_AIDE"), Usage: "install AIDE by the system's package manager where it is missing"}
}

func initHosts(c *cli.Context) error {
	p := installParameters(c)
	if c.Bool("force") {
		p["force"] = "true"
	}
	take := step{document: documents.Init, kind: ledger.Init, parameters: p}
	if c.Bool("yes") {
		p["yes"] = "true"
	} else {
		take.refuse = refuseInit
	}
	if c.String("profile") == "" {
		return runDocuments(c, take)
	}
	configure, err := configureStep(c)
	if err != nil {
		return err
	}
	configure.after = ""
	if !c.Bool("force") {
		configure.after = "a host that had a baseline keeps it, though it may have been taken with other rules; --force takes a new one"
	}
	return runDocuments(c, configure, take)
}

// installParameters are those of the documents that can install AIDE.
func installParameters(c *cli.Context) map[string]string {
	p := parameters(c)
	if c.Bool("install-aide") {
		p["installAide"] = "true"
	}
	return p
}
