package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/report"
)

// askMFA lets a person at a terminal type the code of an MFA device. Standard input may be
// something else: a list of hosts.
func askMFA(ctx context.Context, stderr io.Writer) context.Context {
	if f, ok := stderr.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return ctx
	}
	terminal, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return ctx // there is none: the SDK says so if it needs one
	}
	return aws.WithMFA(ctx, func(serial string) (string, error) {
		fmt.Fprintf(terminal, "\rMFA code of %s: ", report.Escape(serial))
		code, err := bufio.NewReader(terminal).ReadString('\n')
		if err != nil {
			return "", fmt.Errorf("read the MFA code: %w", err)
		}
		return strings.TrimSpace(code), nil
	})
}
