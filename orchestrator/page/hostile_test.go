package page

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/report"
)

// hostile is what somebody with root on a host may call things.
var hostile = []string{
	`</script><script>window.hacked=1</script>`, `</style><script>window.hacked=1</script>`, `"><img src=x onerror=window.hacked=1>`, `javascript:window.hacked=1`,
	`&lt;b&gt;&#x3c;script&#x3e;`, "\u202egnp.exe", "a\x00b\x1b[31m", "z" + strings.Repeat("\u0301", 10000), `{{.}}`, `<!--`, `</td></tr></table></main>`, "\u2028alert(1)",
	`' autofocus onfocus='window.hacked=1`, strings.Repeat("W", 5000), `http://evil.example/`, "\xff\xfe",
}

// hostilePage has each of them wherever a host's, a tag's or a person's text can be.
func hostilePage() Page {
	r := report.Report{Fleet: hostile[0], Target: hostile[2], Started: started, Finished: started}
	p := Page{Title: "File integrity of " + hostile[0], Report: &r, Note: hostile[2], Accept: "orchestrator accept --tag " + hostile[12]}
	for i, text := range hostile {
		h := report.Host{
			Instance: fmt.Sprintf("i-%d%s", i, text), Name: text, Account: text, Region: text, Status: report.Drift, Counts: &result.Counts{Changed: 1},
			Groups: []result.Group{{At: "/" + text, Fingerprint: text, N: 1}}, Paths: []string{"~/" + text + "/x"}, Fingerprint: text, UnreadPath: text,
			Suspect: []report.Finding{{Kind: report.Suspicion(text), Message: text, Since: started}}, Days: report.Days(text), Was: report.Clean,
			Held: &report.Held{ID: text, Who: text, Why: text},
		}
		if i%3 == 0 {
			h.Status, h.Counts, h.Reason, h.Message, h.MessageFrom, h.Next = report.Failed, nil, report.Reason(text), text, report.FromHost, text
		}
		r.Hosts = append(r.Hosts, h)
		r.Left = append(r.Left, report.Left{Instance: text, Name: text})
		r.Errors = append(r.Errors, report.Error{Account: text, Region: text, Error: text})
		p.Actions = append(p.Actions, evidence.Action{When: started, Who: text, Why: text, Target: text, Fingerprint: text})
		p.Holds = append(p.Holds, evidence.Hold{ID: text, Hosts: text, Who: text, Why: text})
		p.Tables = append(p.Tables, evidence.Table{Name: text, Header: []string{"x"}, Rows: [][]string{{text}}})
		p.Sweeps = append(p.Sweeps, evidence.Sweep{Fleet: text, Started: started})
	}
	r.SetHosts(r.Hosts)
	return p
}

// TestHostile: what hosts say is text in a page, and nothing else.
func TestHostile(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Write(&b, hostilePage()))
	text := b.String()
	for name, never := range map[string]string{
		"a script": "<script>window", "an image": "<img", "an override of the direction": "\u202e", "marks upon marks": "\u0301\u0301\u0301",
		"an escape": "\x1b", "NUL": "\x00", "a line separator": "\u2028", "a comment": "<!--",
	} {
		assert.NotContains(t, text, never, name)
	}
	assert.Equal(t, 2, strings.Count(text, "<script"))   // the data, and ours
	assert.Equal(t, 2, strings.Count(text, "</script>")) // which nothing ends early
	assert.Len(t, regexp.MustCompile(`<a [^>]*>`).FindAllString(text, -1), 1, "the link to the findings")
}

// TestHostileWidget: nor is it anything else in a widget.
func TestHostileWidget(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteWidget(&b, hostilePage()))
	assert.NotContains(t, b.String(), "<script")
	assert.NotContains(t, b.String(), "<img")
	assert.NotContains(t, b.String(), "cwdb-action")
	assert.NotContains(t, b.String(), "\u202e")
}
