package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"time"

	"aidefleet/node/check"
	"aidefleet/node/result"
	"aidefleet/node/state"
)

func runCheck(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, f := options("check")
	f.DurationVar(&o.Keep, "keep", 30*24*time.Hour, "`time` for which reports are kept; the newest always is")
	f.Int64Var(&o.KeepBytes, "keep-max-bytes", 1<<30, "`bytes` on disk that all reports may take, the newest aside; 0 for no limit")
	return answer(ctx, o, f, args, check.Check, stdout, stderr)
}

func runInit(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, f := options("init")
	f.BoolVar(&o.Force, "force", false, "take a new baseline although there is one, which is kept beside it")
	f.BoolVar(&o.Yes, "yes", false, "do so although the changes since the present one are not reviewed")
	backups(o, f)
	f.BoolVar(&o.Install, "install", false, "install AIDE by the system's package manager if there is none")
	return answer(ctx, o, f, args, check.Init, stdout, stderr)
}

// options declares the options of all commands that run AIDE.
func options(name string) (*check.Options, *flag.FlagSet) {
	o := &check.Options{Version: version, Now: time.Now}
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.StringVar(&o.AIDE, "aide", "", "`path` of AIDE; empty to look for it")
	f.StringVar(&o.Config, "config", "", "`path` of AIDE's configuration; empty to look for it")
	f.StringVar(&o.Database, "database", "", "`path` of the baseline; empty to take the configuration's")
	f.StringVar(&o.State, "state", state.Default, "`folder` of the node's own files")
	f.DurationVar(&o.Timeout, "timeout", 0, "`time` after which AIDE is ended; 0 for none")
	f.IntVar(&o.Weight.Nice, "nice", 19, "CPU `niceness` of AIDE, 0 to 19")
	f.IntVar(&o.Weight.Workers, "workers", max(1, runtime.NumCPU()/2), "`threads` of AIDE that read files (0.18 and later); 0 for its own default")
	f.BoolVar(&o.Weight.IdleIO, "idle-io", true, "let AIDE use the disk only when nobody else does")
	f.BoolVar(&o.Packages, "packages", true, "ask rpm and dpkg which changes packages explain")
	return o, f
}

func validate(o *check.Options) error {
	for _, p := range []struct{ name, path string }{{"aide", o.AIDE}, {"config", o.Config}, {"database", o.Database}, {"state", o.State}} {
		if !filepath.IsAbs(p.path) && (p.path != "" || p.name == "state") {
			return fmt.Errorf("--%s %q: want an absolute path", p.name, p.path)
		}
	}
	switch {
	case o.Timeout < 0:
		return fmt.Errorf("--timeout %s is negative", o.Timeout)
	case o.Keep < 0:
		return fmt.Errorf("--keep %s is negative", o.Keep)
	case o.KeepBytes < 0:
		return fmt.Errorf("--keep-max-bytes %d is negative", o.KeepBytes)
	case o.Weight.Workers < 0 || o.Weight.Workers > 1024:
		return fmt.Errorf("--workers %d: want 0 to 1024", o.Weight.Workers)
	case o.Weight.Nice < 0 || o.Weight.Nice > 19:
		return fmt.Errorf("--nice %d: want 0 to 19", o.Weight.Nice)
	}
	o.State = filepath.Clean(o.State)
	return nil
}

// answer runs a command whose answer is a result line.
func answer(ctx context.Context, o *check.Options, f *flag.FlagSet, args []string,
	do func(context.Context, check.Options) check.Answer, stdout, stderr io.Writer,
) int {
	exit, ok := parse(f, args, func() error { return validate(o) }, stdout, stderr)
	if !ok {
		return exit
	}
	return write(do(ctx, *o), stdout, stderr)
}

// badArguments answers a command line that cannot be run.
func badArguments(err error, stdout, stderr io.Writer) int {
	a := check.Answer{Line: result.Failure(result.BadArguments, err.Error())}
	a.Node = version
	return write(a, stdout, stderr)
}

func write(a check.Answer, stdout, stderr io.Writer) int {
	if err := a.Write(stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "aide-node: write the answer:", err)
		return 1
	}
	if a.Status == result.Failed {
		return 1
	}
	return 0
}
