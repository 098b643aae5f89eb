package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
)

const reportID = "20261123T050000Z"

func pageOf(next string, offset, count, total int, body string) runcommand.Output {
	line := fmt.Sprintf(`{"v":1,"report":%q,"kind":"changes","total":%d,"offset":%d,"count":%d%s,"older":"20261122T050000Z"}`, reportID, total, offset, count, next)
	return runcommand.Output{Status: runcommand.Answered, Stdout: line + "\n" + body}
}

// view shows pages to a viewer, and returns what it printed.
func view(t *testing.T, format string, limit int, pages ...runcommand.Output) (stdout, stderr string, asked []string, err error) {
	t.Helper()
	var out, said bytes.Buffer
	v := viewer{
		out:  output{format: format, stdout: &out, stderr: &said, meter: &meter{w: &said, now: time.Now}},
		host: fleet.Host{ID: "i-01", Name: "web-1", State: "running", Ping: "Online"}, pages: limit,
	}
	v.page = func(_ context.Context, _ sweep.Region, id string, q sweep.Query) (runcommand.Output, error) {
		require.Equal(t, "i-01", id, "unexpected run of %s on %s", q.Request.Document, id)
		require.Equal(t, "AideFleet-Report", q.Request.Document)
		require.NotEmpty(t, pages)
		asked = append(asked, strings.TrimSpace(q.Request.Parameters["id"]+" "+q.Request.Parameters["offset"]+" "+q.Request.Parameters["format"]))
		p := pages[0]
		pages = pages[1:]
		return p, nil
	}
	err = v.show(t.Context())
	return out.String(), said.String(), asked, err
}

func TestShowPages(t *testing.T) {
	two := []runcommand.Output{
		pageOf(`,"next":2`, 0, 2, 3, "+ /srv/a\x1b[31m\n~ /etc/passwd\n    size: 1 → 2\n"),
		pageOf("", 2, 1, 3, "- /srv/b\n"),
	}
	stdout, stderr, asked, err := view(t, "table", 0, two...)
	want := "+ /srv/a\\x1b[31m\n~ /etc/passwd\n    size: 1 → 2\n- /srv/b\n"
	assert.NoError(t, err)
	assert.Equal(t, want, stdout)
	if fmt.Sprint(asked) != "[0 text "+reportID+" 2 text]" {
		t.Errorf("asked for %q: all pages must be of one report", asked)
	}
	assert.Contains(t, stderr, "web-1 i-01, report "+reportID+": 3 changes")
	assert.Contains(t, stderr, "show i-01 --id 20261122T050000Z")
	_, stderr, asked, err = view(t, "table", 1, two...)
	assert.NoError(t, err)
	assert.Len(t, asked, 1, "%q after %q", stderr, asked)
	assert.Contains(t, stderr, "2 of 3 are shown; --all")
	stdout, _, asked, err = view(t, "json", 0, pageOf("", 0, 1, 1, `{"kind":"+","path":"/a`+"\u202e"+`"}`+"\n"))
	require.NoError(t, err)
	assert.Equal(t, `{"kind":"+","path":"/a\u202e"}`+"\n", stdout, "%q after %q", stdout, asked)
	assert.Equal(t, "0 json", asked[0])
}

// TestShowMistrusts: a host cannot lead its reader astray, nor make it read for
// ever.
func TestShowMistrusts(t *testing.T) {
	answered := func(text string, code int) runcommand.Output {
		return runcommand.Output{Status: runcommand.Answered, Stdout: text, Code: code}
	}
	for name, c := range map[string]struct {
		format string
		pages  []runcommand.Output
		want   string
	}{
		"garbage":         {"table", []runcommand.Output{answered("\x1b[31mnonsense", 0)}, "bad_output"},
		"a lying status":  {"table", []runcommand.Output{{Status: runcommand.Answered, Stdout: pageOf("", 0, 0, 0, "").Stdout, Code: 1}}, "bad_output"},
		"failed":          {"table", []runcommand.Output{answered(`{"v":1,"status":"failed","reason":"report_unreadable","message":"it is damaged"}`, 1)}, "report_unreadable: host says: it is damaged → "},
		"no report":       {"table", []runcommand.Output{answered(`{"v":1,"status":"failed","reason":"bad_arguments","message":"none is kept"}`, 1)}, "→ orchestrator sweep --instance i-01"},
		"no answer":       {"table", []runcommand.Output{{Status: runcommand.DeliveryTimeout}}, "delivery_timeout → "},
		"backwards":       {"table", []runcommand.Output{pageOf(`,"next":1`, 0, 1, 9, "+ /a\n"), pageOf(`,"next":1`, 1, 0, 9, "")}, "bad_output"},
		"another page":    {"table", []runcommand.Output{pageOf(`,"next":8`, 7, 1, 9, "+ /a\n")}, "bad_output"},
		"another report":  {"table", []runcommand.Output{pageOf(`,"next":1`, 0, 1, 2, "+ /a\n"), answered(strings.Replace(pageOf("", 1, 1, 2, "+ /b\n").Stdout, reportID, "20261124T050000Z", 1), 0)}, "bad_output"},
		"cut short":       {"table", []runcommand.Output{pageOf("", 0, 2, 2, "+ /a\n")}, "it was cut short"},
		"too far":         {"table", []runcommand.Output{pageOf(`,"next":1000000000`, 0, 1000000000, 2000000000, "")}, "bad_output"},
		"ends too early":  {"table", []runcommand.Output{pageOf("", 0, 1, 9, "+ /a\n")}, "bad_output"},
		"an id to inject": {"table", []runcommand.Output{answered(strings.Replace(pageOf("", 0, 1, 1, "+ /a\n").Stdout, reportID, "'; reboot", 1), 0)}, "bad_output"},
		"no JSON":         {"json", []runcommand.Output{pageOf("", 0, 1, 1, `{"kind":+}`+"\n")}, "bad_output"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := view(t, c.format, 0, c.pages...)
			code := exitCode(err)
			text := explain(err, code)
			assert.Equal(t, exitIncomplete, code, "exit %d, %q", code, text)
			assert.Contains(t, text, c.want)
			assert.Contains(t, text, "web-1 i-01")
			assert.False(t, strings.ContainsAny(text, "\x1b\n"), "exit %d, %q", code, text)
		})
	}
	var h hostError
	err := (viewer{host: fleet.Host{ID: "i-01", State: "stopped"}}).show(t.Context())
	assert.ErrorAs(t, err, &h, "a stopped host")
	assert.Equal(t, "stopped", h.reason, "a stopped host")
}
