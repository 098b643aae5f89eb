package check

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"aidefleet/node/profile"
	"aidefleet/node/result"
	"aidefleet/node/rules"
)

// Configure gives the host's AIDE the rules of a profile, in place of those of the profile
// before. An empty profile removes them. AIDE has to accept its configuration with the
// rules, and the rules may not keep it from looking at that configuration. The answer is
// clean, with the number of paths in the profile as total.
func Configure(ctx context.Context, o Options, p profile.Profile) Answer {
	return o.run(ctx, func(r *runner, ctx context.Context) error {
		files := r.config.Files()
		for _, file := range files {
			if path := p.Excludes(file); path != "" {
				return fail(result.BadArguments, "exclude %s: AIDE would not look at its own configuration, %s, and nobody would see what else is excluded", path, file)
			}
		}
		where, err := r.configure(ctx, p.Rules(files...))
		if err != nil {
			return err
		}
		r.answer.Status, r.answer.Counts = result.Clean, &result.Counts{Total: p.Len()}
		r.headline("The profile has %d paths; its rules are in %s.", p.Len(), where)
		if p.Len() == 0 {
			r.headline("There is no profile in %s.", where)
		}
		return nil
	})
}

// configure makes text the rules of the profile, and returns the path of the file that they
// are in.
func (r *runner) configure(ctx context.Context, text string) (where string, err error) {
	place, err := rules.Find(r.config)
	if errors.Is(err, rules.ErrUnsafe) {
		return "", failure{result.ConfigInvalid, err}
	} else if err != nil {
		return "", failure{result.StateUnwritable, err}
	}
	if place.Rules == text {
		r.note("Nothing was changed: it was so already.")
		return place.Path, place.Tidy()
	}
	if err := r.tryRules(ctx, place, text); err != nil {
		return "", err
	}
	if err := r.recordConfig(); err != nil {
		return "", failure{result.StateUnwritable, err}
	}
	if err := place.Put(text); err != nil {
		return "", fail(result.StateUnwritable, "the rules could not be put in place: %w", err)
	}
	before := r.config
	err = before.Regenerate(ctx)
	if err == nil {
		err = r.checkConfig(ctx)
	}
	if err == nil {
		r.config, err = r.aide.Version.ReadConfig(ctx, r.config.Path, r.Database)
	}
	if err != nil {
		undone := place.Restore()
		if undone == nil {
			undone = before.Regenerate(context.WithoutCancel(ctx))
		}
		if undone != nil {
			return "", fail(result.ConfigInvalid, "what was there before could not be put back: %w; AIDE refuses the configuration: %w", undone, err)
		}
		return "", fail(result.ConfigInvalid, "AIDE refuses the configuration, and what was there before is there again: %w", err)
	}
	r.answer.Config = r.config.SHA256
	r.noteOtherRules()
	return place.Path, nil
}

// tryRules lets AIDE read the configuration with the new rules before anything is changed.
// If AIDE refuses the present configuration too, new rules may mend it: then tryRules does
// not fail.
func (r *runner) tryRules(ctx context.Context, place rules.Place, text string) error {
	if text == "" {
		return nil
	}
	candidate := filepath.Join(r.state.Run(), "candidate.conf")
	defer func() { _ = os.Remove(candidate) }()
	if err := os.Remove(candidate); err != nil && !errors.Is(err, os.ErrNotExist) {
		return failure{result.StateUnwritable, err}
	}
	if err := os.WriteFile(candidate, place.Candidate(text), 0o600); err != nil {
		return failure{result.StateUnwritable, err}
	}
	job := r.job()
	job.Config = candidate
	_, err := r.aide.CheckConfig(ctx, job)
	if err == nil || ctx.Err() == nil && r.checkConfig(ctx) != nil {
		return ctx.Err()
	}
	return fail(result.ConfigInvalid, "AIDE refuses the rules, and nothing was changed: %w", err)
}

// checkConfig lets AIDE read the host's configuration.
func (r *runner) checkConfig(ctx context.Context) error {
	_, err := r.aide.CheckConfig(ctx, r.job())
	return err
}

// noteOtherRules says what to do about a baseline that was taken with other rules.
func (r *runner) noteOtherRules() {
	if _, err := os.Stat(r.config.Database); err != nil {
		r.note("There is no baseline yet: aide-node init takes it.")
		return
	}
	excluded := "what is excluded now, and attributes that only one of the two has, are not compared"
	if r.aide.Version.TellsExcluded() {
		excluded = "what is excluded now as removed; attributes that only one of the two has are not compared"
	}
	r.note("The baseline was taken with other rules. The next check finds what came into view as added; %s. So check and accept before another profile; behind it accept, or take a new baseline: aide-node init --force.", excluded)
}
