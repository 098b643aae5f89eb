package page

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/report"
)

// tab is a page in a real Chromium, with what went wrong in it.
type tab struct {
	context.Context

	mu       sync.Mutex
	problems []string // exceptions, violations of the policy, errors of the console
	requests []string // but for the page itself
}

// newTab opens an empty tab.
func newTab(t testing.TB) *tab {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("there is no chromium: what a page does in a browser is not tested")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // root has none
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stopAllocator)
	one := &tab{}
	browser, stop := chromedp.NewContext(allocator, chromedp.WithListener(one.listen))
	t.Cleanup(stop)
	one.Context = browser
	_, err := chromedp.Call(one, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	_, err = chromedp.Call(one, log.Enable, cdp.Empty{})
	require.NoError(t, err)
	return one
}

func (one *tab) listen(event any) {
	one.mu.Lock()
	defer one.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		one.problems = append(one.problems, e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		one.problems = append(one.problems, e.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		one.problems = append(one.problems, string(e.Type))
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "file:") && e.Request.URL != "about:blank" {
			one.requests = append(one.requests, e.Request.URL)
		}
	}
}

// open shows a page in a window of a size.
func (one *tab) open(t testing.TB, p Page, width, height int64, scheme string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.html")
	var b bytes.Buffer
	require.NoError(t, Write(&b, p))
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
	_, err := chromedp.Call(one, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(one, chromedp.EmulateViewport(width, height), chromedp.Navigate("file://"+file)))
}

// value is what a script says.
func value[T any](t testing.TB, one *tab, script string) T {
	t.Helper()
	v, err := chromedp.Run(one, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	return v
}

// do is what a person does.
func (one *tab) do(t testing.TB, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(one, steps...))
}

func (one *tab) noProblem(t testing.TB) {
	t.Helper()
	one.mu.Lock()
	defer one.mu.Unlock()
	assert.Empty(t, one.problems)
	assert.Empty(t, one.requests)
}

// axe is the source of axe-core; empty if make has not fetched it.
func axe(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob("../../.tools/axe-core-*/axe.min.js")
	require.NoError(t, err)
	if len(found) == 0 {
		t.Log("there is no axe-core in .tools: accessibility is not tested; make test fetches it")
		return ""
	}
	text, err := os.ReadFile(found[0])
	require.NoError(t, err)
	return string(text)
}

// findings runs axe-core on the page.
func (one *tab) findings(t testing.TB, source string) []string {
	t.Helper()
	if source == "" {
		return nil
	}
	value[int](t, one, source+";0")
	script := `axe.run().then((r) => r.violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + " " + n.failureSummary).join(" | ")))`
	return value[[]string](t, one, script)
}

func lifePage() Page {
	return Page{
		Title: "File integrity of web-1", Hosts: []report.Host{{Instance: "i-01", Name: "web-1", Status: report.Clean, Days: "ccdfmh.c"}}, Last: started,
		Tables: []evidence.Table{{Name: "Checks of web-1 i-01", Header: []string{"started", "status"}, Rows: [][]string{{"2026-11-27T05:00:00Z", "clean"}}}},
	}
}

type screen struct {
	width, height int64
	scheme        string
}

// TestInChromium: pages break no policy, fetch nothing, fit every screen, and axe-core finds
// nothing in them.
func TestInChromium(t *testing.T) {
	source := axe(t)
	one := newTab(t)
	empty := report.Report{V: 1, Fleet: "env=prod", Started: started, Finished: started}
	for name, p := range map[string]Page{
		"sweep": sweepPage(), "empty": {Title: "File integrity of env=prod", Report: &empty}, "life": lifePage(), "large": largePage(1000), "hostile": hostilePage(),
	} {
		all := []screen{{360, 740, "light"}, {1280, 800, "dark"}, {1280, 800, "light"}, {3840, 2160, "dark"}}
		if name != "sweep" {
			all = all[:2]
		}
		for _, screen := range all {
			t.Run(fmt.Sprintf("%s/%d-%s", name, screen.width, screen.scheme), func(t *testing.T) {
				one.open(t, p, screen.width, screen.height, screen.scheme)
				assert.LessOrEqual(t, value[int64](t, one, "document.documentElement.scrollWidth"), screen.width)
				assert.Empty(t, one.findings(t, source))
			})
		}
	}
	one.noProblem(t)
}

// TestPolicyHolds: a script that is not the page's own would not run, and would be seen.
func TestPolicyHolds(t *testing.T) {
	one := newTab(t)
	one.open(t, sweepPage(), 1280, 800, "light")
	one.do(t, chromedp.Evaluate[chromedp.Void](`{const s = document.createElement("script"); s.textContent = "window.hacked = 1"; document.body.append(s)}`))
	assert.Equal(t, "undefined", value[string](t, one, "typeof window.hacked"))
	assert.Eventually(t, func() bool {
		one.mu.Lock()
		defer one.mu.Unlock()
		return len(one.problems) == 1
	}, 5*time.Second, 50*time.Millisecond)
}

// TestHostsCanBeFound: the list is searched, sorted and turned.
func TestHostsCanBeFound(t *testing.T) {
	one := newTab(t)
	one.open(t, largePage(1000), 1280, 800, "light")
	const first = `document.querySelector("#rows th").firstChild.textContent`
	const found = `document.querySelector("#found").textContent`
	assert.Equal(t, "1 to 50 of 300 hosts.", value[string](t, one, found)) // those that are not clean
	assert.Equal(t, "host-0", value[string](t, one, first))
	one.do(t, chromedp.Click(chromedp.CSS("#next")))
	assert.Equal(t, "51 to 100 of 300 hosts.", value[string](t, one, found))
	value[bool](t, one, `{const f = document.querySelector("#filter"); f.value = ""; f.dispatchEvent(new Event("change"))}`)
	assert.Equal(t, "1 to 50 of 1,000 hosts.", value[string](t, one, found))
	one.do(t, chromedp.SendKeys(chromedp.CSS("#search"), "HOST-99"))
	assert.Equal(t, "1 to 11 of 11 hosts.", value[string](t, one, found))
	one.do(t, chromedp.Click(chromedp.CSS(`[data-by="name"]`)))
	assert.Equal(t, "host-99", value[string](t, one, first))
	assert.Equal(t, "ascending", value[string](t, one, `document.querySelector("[aria-sort]").getAttribute("aria-sort")`))
	one.do(t, chromedp.Click(chromedp.CSS(`[data-by="name"]`)))
	assert.Equal(t, "host-999", value[string](t, one, first))
	one.noProblem(t)
}

// TestHostileInChromium: what hosts say does nothing in a browser.
func TestHostileInChromium(t *testing.T) {
	one := newTab(t)
	one.open(t, hostilePage(), 1280, 800, "light")
	assert.Equal(t, "undefined", value[string](t, one, "typeof window.hacked"))
	assert.Equal(t, int64(len(hostile)), value[int64](t, one, `document.querySelectorAll("#rows tr").length`))
	assert.Zero(t, value[int64](t, one, `document.querySelectorAll("img, a:not(.skip), iframe, object").length`))
	one.noProblem(t)
}
