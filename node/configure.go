package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"aidefleet/node/check"
	"aidefleet/node/profile"
)

// runConfigure puts the rules of a profile into AIDE's configuration.
func runConfigure(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, f := options("configure")
	file := f.String("profile", "", "`file` with the profile")
	lists := make(map[profile.Kind]*string)
	for kind, usage := range map[profile.Kind]string{
		profile.Watch:       "`paths` to look at, separated by colons, in place of --profile",
		profile.Exclude:     "`paths` not to look at",
		profile.Permissions: "`paths` of which only owner and permissions count",
	} {
		lists[kind] = f.String(string(kind), "", usage)
	}
	remove := f.Bool("remove", false, "take the profile out again")
	f.BoolVar(&o.Install, "install", false, "install AIDE by the system's package manager if there is none")
	var p profile.Profile
	exit, ok := parse(f, args, func() (err error) {
		if err := validate(o); err != nil {
			return err
		}
		given := make(map[profile.Kind]string)
		for kind, list := range lists {
			given[kind] = *list
		}
		p, err = readProfile(*file, given, *remove)
		return err
	}, stdout, stderr)
	if !ok {
		return exit
	}
	return write(check.Configure(ctx, *o, p), stdout, stderr)
}

// readProfile takes a profile from a file, from lists, or none to remove one.
func readProfile(file string, lists map[profile.Kind]string, remove bool) (profile.Profile, error) {
	listed := false
	for _, list := range lists {
		listed = listed || list != ""
	}
	switch {
	case !listed && file == "" && !remove:
		return profile.Profile{}, errors.New("there is no profile: give --profile FILE, or --watch, --exclude and --permissions, or --remove")
	case listed && file != "", remove && (listed || file != ""):
		return profile.Profile{}, errors.New("--profile, --remove, and the lists of paths exclude each other")
	case remove:
		return profile.Profile{}, nil
	case listed:
		p, err := profile.Split(lists)
		if err != nil {
			err = fmt.Errorf("--%w", err)
		}
		return p, err
	}
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would block
	if err != nil {
		return profile.Profile{}, fmt.Errorf("--profile: %w", err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return profile.Profile{}, fmt.Errorf("--profile: %s is not a regular file", file)
	}
	p, err := profile.Parse(f)
	if err != nil {
		err = fmt.Errorf("--profile %s: %w", file, err)
	}
	return p, err
}
