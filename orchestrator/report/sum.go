package report

import (
	"fmt"
	"time"
)

// Sum is the whole report in one line. If it is of an action, hosts are done.
func Sum(r Report, action bool) string {
	s := r.Summary
	if action {
		return fmt.Sprintf("%s: %s done, %s failed, %s missing, in %s", count(s.Targeted, "host"), Number(s.Reported), Number(s.Failed), Number(s.Missing),
			r.Finished.Sub(r.Started).Round(100*time.Millisecond))
	}
	more := ""
	for _, part := range []struct {
		n    int
		what string
	}{{s.Suspect, "suspect"}, {s.Held, "held"}, {s.New, "changes new"}, {s.Explained, "explained"}, {s.Unread, "entries unread"}} {
		if part.n > 0 {
			more += Number(part.n) + " " + part.what + ", "
		}
	}
	return fmt.Sprintf("%s: %s clean, %s changed, %s failed, %s missing, %sin %s", count(s.Targeted, "host"),
		Number(s.Clean), Number(s.Changed), Number(s.Failed), Number(s.Missing), more, r.Finished.Sub(r.Started).Round(100*time.Millisecond))
}
