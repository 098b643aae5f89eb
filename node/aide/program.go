package aide

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"aidefleet/node/program"
)

const (
	// programTime is how long a program of an @@x_include may run.
	programTime = time.Minute
	// mostPrinted bounds what it may print, in bytes.
	mostPrinted = 4 << 20
)

// program runs a program that an @@x_include names, and reads what it prints as
// configuration. AIDE does the same at each start, as root (include_file in its
// conf_eval.c, 0.17 to 0.19): without arguments, in AIDE's environment. Like AIDE it takes
// output on stderr for a failure.
func (r *configReader) program(path string) error {
	ctx, cancel := context.WithTimeout(r.ctx, programTime)
	defer cancel()
	var out printed
	o, err := run(ctx, command{path: path, env: r.env, weight: Weight{Weight: program.Weight{Nice: 19, IdleIO: true}}, stdout: &out})
	switch {
	case err != nil:
		return err
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case ctx.Err() != nil:
		err = fmt.Errorf("did not end within %s", programTime)
	case o.Signal != 0:
		err = fmt.Errorf("was ended by signal %d (%s)", o.Signal, o.Signal)
	case o.Exit != 0 || len(o.Stderr) > 0:
		err = fmt.Errorf("failed with status %d: %s", o.Exit, firstLine(o.Stderr))
	case out.over:
		err = fmt.Errorf("printed more than %d bytes", mostPrinted)
	}
	if err != nil {
		return fmt.Errorf("the program %s of an @@x_include %w", path, err)
	}
	return r.lines(path+" (stdout)", &out.text, true)
}

// printed keeps what a program prints, up to a bound.
type printed struct {
	text bytes.Buffer
	over bool
}

func (p *printed) Write(b []byte) (int, error) {
	if p.over = p.over || p.text.Len()+len(b) > mostPrinted; !p.over {
		p.text.Write(b)
	}
	return len(b), nil
}

// setenv is an @@x_include_setenv. What AIDE's environment has already stays.
func (r *configReader) setenv(name, value string) error {
	if name == "" {
		return errors.New("@@x_include_setenv without a name")
	}
	for _, variable := range append(program.Environment(), r.env...) {
		if before, _, _ := bytes.Cut([]byte(variable), []byte("=")); string(before) == name {
			return nil
		}
	}
	r.env = append(r.env, name+"="+value)
	return nil
}
