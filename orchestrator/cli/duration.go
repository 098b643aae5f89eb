package cli

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
)

// durationFlag is a flag that takes days and weeks beside what cli.DurationFlag takes.
type durationFlag struct{ cli.DurationFlag }

// Apply is Flag.Apply.
func (f *durationFlag) Apply(set *flag.FlagSet) error {
	value := durationValue(f.Value)
	for _, name := range f.EnvVars {
		text, there := os.LookupEnv(name)
		if !there || text == "" {
			continue
		}
		if err := value.Set(text); err != nil {
			return fmt.Errorf("%s %.40q: %w", name, text, err)
		}
		f.HasBeenSet = true
		break
	}
	for _, name := range f.Names() {
		set.Var(&value, name, f.Usage)
	}
	return nil
}

// durationValue is a flag.Value. As text it is what time.ParseDuration reads.
type durationValue time.Duration

// Set is flag.Value.Set.
func (d *durationValue) Set(text string) error {
	parsed, err := parseDuration(text)
	*d = durationValue(parsed)
	return err
}

// String is flag.Value.String.
func (d *durationValue) String() string { return time.Duration(*d).String() }

// Get is flag.Getter.Get.
func (d *durationValue) Get() any { return time.Duration(*d) }

// daysPattern has the days and weeks that a time begins with.
var daysPattern = regexp.MustCompile(`^([0-9]{1,5})([dw])`)

var errDuration = errors.New("want a time such as 90s, 30m, 4h, 1d or 1d12h")

// parseDuration reads a time: weeks and days, and then what time.ParseDuration reads. A day
// has 24 hours.
func parseDuration(text string) (time.Duration, error) {
	var sum time.Duration
	rest := text
	for m := daysPattern.FindStringSubmatch(rest); m != nil; m = daysPattern.FindStringSubmatch(rest) {
		n, _ := strconv.Atoi(m[1]) // five digits
		day := 24 * time.Hour
		if m[2] == "w" {
			day *= 7
		}
		sum += time.Duration(n) * day
		rest = rest[len(m[0]):]
		if rest == "" {
			return sum, nil
		}
	}
	parsed, err := time.ParseDuration(rest)
	if err != nil || sum > 0 && parsed < 0 {
		return 0, errDuration
	}
	if sum += parsed; parsed > 0 && sum < parsed {
		return 0, errDuration // it is longer than there is
	}
	return sum, nil
}
