package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"aidefleet/orchestrator/report"
)

const (
	// progressEvery is the time between two lines that cannot overwrite each other.
	progressEvery = time.Minute
	// estimateAfter is how long hosts must have been watched before their rate
	// says anything.
	estimateAfter = 5 * time.Second
)

// meter shows the progress of a command: on a terminal in one line that overwrites itself,
// elsewhere in a line a minute. Several regions may share one.
type meter struct {
	w     io.Writer
	live  bool // w is a terminal
	width int  // of the terminal in columns, 0 if that is not known
	now   func() time.Time

	mu      sync.Mutex
	began   time.Time // of the first look
	said    time.Time // when the last line was written
	before  int       // hosts that had ended at the first look
	showing bool      // a line is on the terminal
}

// show takes in the result of a look at the command.
func (m *meter) show(completed, targeted int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if targeted <= 0 {
		return
	}
	now := m.now()
	if m.began.IsZero() {
		m.began, m.said, m.before = now, now, completed
	}
	switch {
	case completed >= targeted:
		m.erase()
	case m.live:
		text := m.text(now, completed, targeted)
		if m.width > 0 { // a line that is wrapped cannot be overwritten
			text = text[:min(len(text), m.width-1)]
		}
		fmt.Fprintf(m.w, "\r%s\x1b[K", text)
		m.showing = true
	case now.Sub(m.said) >= progressEvery:
		fmt.Fprintln(m.w, m.text(now, completed, targeted))
		m.said = now
	}
}

// clear removes the line from the terminal, so that something else can be written.
func (m *meter) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.erase()
}

func (m *meter) erase() {
	if m.showing {
		fmt.Fprint(m.w, "\r\x1b[K")
		m.showing = false
	}
}

func (m *meter) text(now time.Time, completed, targeted int) string {
	text := fmt.Sprintf("%s of %s hosts have ended", report.Number(completed), report.Number(targeted))
	if left, ok := estimate(now.Sub(m.began), completed-m.before, targeted-completed); ok {
		text += ", " + left
	}
	return text
}

// estimate says how long the remaining hosts take if they end at the rate so far: ended of
// them in elapsed. It says nothing if there is no rate yet, or none to rely on.
func estimate(elapsed time.Duration, ended, left int) (string, bool) {
	if elapsed < estimateAfter || ended <= 0 || left <= 0 {
		return "", false
	}
	minutes := int(elapsed.Minutes() * float64(left) / float64(ended))
	switch {
	case minutes < 1:
		return "less than a minute left", true
	case minutes < 60:
		return fmt.Sprintf("%d min left", minutes), true
	case minutes < 48*60:
		return fmt.Sprintf("%d h %d min left", minutes/60, minutes%60), true
	}
	return "days left", true
}
