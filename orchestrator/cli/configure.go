package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"aidefleet/node/profile"
	"aidefleet/orchestrator/ledger"
	documents "aidefleet/ssm-documents"
)

// maxList bounds the paths of a kind, in bytes. AWS documents no limit for the value of a
// parameter; this is less than every limit that is known.
const maxList = 4096

func configureCommand() *cli.Command {
	return &cli.Command{
		Name:  "configure",
		Usage: "tell AIDE on the hosts what to look at",
		UsageText: "orchestrator configure --profile FILE --tag env=prod [options]\n" +
			"orchestrator configure --remove --tag env=prod [options]\n\n" +
			"A profile has a path a line: watch PATH, exclude PATH or permissions PATH.",
		Flags: flags(targetFlags(), placeFlags(),
			&cli.StringFlag{Name: "profile", TakesFile: true, EnvVars: env("PROFILE"), Usage: "`FILE` with what to look at; - is stdin"},
			&cli.BoolFlag{Name: "remove", Usage: "take the profile out again"},
			installFlag(), whyFlag(), ledgerFlags(), commandFlags(), outputFlag(), allHostsFlag(),
			dryRunFlag("print the rules, say which hosts would get them, and send nothing")),
		Action: configure,
	}
}

func configure(c *cli.Context) error {
	s, err := configureStep(c)
	if err != nil {
		return err
	}
	return runDocuments(c, s)
}

// configureStep reads the profile that the command line names.
func configureStep(c *cli.Context) (step, error) {
	s := step{
		document: documents.Configure, kind: ledger.Configure, parameters: installParameters(c),
		after: "a baseline that was taken with other rules no longer fits, and may not show what was changed before: if the hosts were clean until now take new ones with orchestrator init --force, else sweep, review and accept",
	}
	switch file := c.String("profile"); {
	case file == "" && !c.Bool("remove"):
		return s, usageError{errors.New("there is no profile: give --profile FILE, or --remove")}
	case file != "" && c.Bool("remove"):
		return s, usageError{errors.New("--profile and --remove cannot be combined")}
	case c.Bool("remove"):
		s.parameters["remove"] = "true"
		return s, nil
	}
	p, err := readProfile(c.String("profile"), c.App.Reader)
	if err != nil {
		return s, usageError{fmt.Errorf("--profile %s: %w", c.String("profile"), err)}
	}
	for _, kind := range profile.Kinds {
		if list := p.List(kind); list != "" {
			s.parameters[string(kind)] = list
		}
	}
	s.preview = p.Rules() + "# Each host adds a rule for its own configuration of AIDE's.\n\n"
	return s, nil
}

// readProfile reads a profile that has to fit into the parameters of a document.
func readProfile(name string, stdin io.Reader) (p profile.Profile, err error) {
	if name == "-" {
		p, err = profile.Parse(stdin)
	} else {
		var f *os.File
		if f, err = os.Open(name); err != nil {
			return p, withoutName(err)
		}
		defer func() { _ = f.Close() }()
		p, err = profile.Parse(f)
	}
	if err != nil {
		return p, err
	}
	for _, kind := range profile.Kinds {
		if n := len(p.List(kind)); n > maxList {
			return p, fmt.Errorf("its paths to %s have %d bytes, and at most %d are sent: name folders, or use *", kind, n, maxList)
		}
	}
	return p, nil
}

// withoutName leaves the name of the file out of an error that stands behind it.
func withoutName(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
