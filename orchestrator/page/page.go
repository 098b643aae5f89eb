// Package page is what people look at: one HTML file that needs no network. It shows what a
// sweep found, what became of each host in 90 days, and who did what. A widget of a
// CloudWatch dashboard is the same in short.
//
// What hosts say is hostile. It is escaped for the eye (report.Escape) when a view is made,
// and for HTML when it is written; the page's policy lets nothing run but its own script.
package page

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"html/template"
	"io"
	"time"

	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/report"
)

// Page is what a page shows. What is empty has no section, but for the sections of a sweep.
type Page struct {
	Title  string
	Report *report.Report // what a sweep found
	// Hosts are drawn with their days; without any, those of the Report.
	Hosts []report.Host
	Last  time.Time // the day that the days of the hosts end with; that of the Report if it is zero
	// Accept is the command that accepts changes of the hosts, to which only the fingerprint
	// is missing. Without it none is shown.
	Accept  string
	Sweeps  []evidence.Sweep // the oldest first
	Pages   []Link           // of the sweeps before, the newest first
	Actions []evidence.Action
	Holds   []evidence.Hold
	Tables  []evidence.Table
	Note    string // what the page lacks, and why
}

// Link is another page, at a path that is relative to this one.
type Link struct{ Text, At string }

//go:embed page.html
var pageText string

//go:embed page.css
var style string

//go:embed page.js
var script string

var templates = template.Must(template.New("page").Parse(pageText))

// policy lets the page's own style and script work, and nothing else.
func policy() string {
	return "default-src 'none'; style-src '" + digest(style) + "'; script-src '" + digest(script) + "'; base-uri 'none'; form-action 'none'"
}

// digest names a text as a Content-Security-Policy does (W3C, "Content Security Policy
// Level 3", 2.3.1).
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Write writes the page.
func Write(w io.Writer, p Page) error {
	v := p.view()
	out := bufio.NewWriter(w)
	err := templates.ExecuteTemplate(out, "top", map[string]any{
		"View": v, "Policy": policy(), "Style": template.CSS(style), // ours
	})
	if err != nil {
		return err
	}
	if v.Hosts != nil {
		_, _ = out.WriteString(`<script type="application/json" id="data">`) // Flush tells
		if err := writeHosts(out, p.hosts(), v.Hosts.Last); err != nil {
			return err
		}
		_, _ = out.WriteString("</script>\n")
	}
	if err := templates.ExecuteTemplate(out, "bottom", map[string]any{"View": v, "Script": template.JS(script)}); err != nil { // ours
		return err
	}
	return out.Flush()
}

func (p Page) hosts() []report.Host {
	if p.Hosts == nil && p.Report != nil {
		return p.Report.Hosts
	}
	return p.Hosts
}
