package evidence

import (
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"html/template"
	"io"

	"aidefleet/orchestrator/report"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"escape": report.Escape, "stamp": stamp}).Parse(pageText))

// WritePage writes the evidence as one HTML page: nothing in it comes from elsewhere, and
// no script runs in it.
func WritePage(w io.Writer, e Evidence) error {
	type part struct {
		Name   string
		Header []string
		Rows   [][]string
	}
	parts := make([]part, 0, 6)
	for _, t := range e.tables() {
		parts = append(parts, part{t.name, t.header, t.rows})
	}
	style := sha256.Sum256([]byte(pageStyle))
	return page.Execute(w, map[string]any{
		"Evidence": e, "Parts": parts, "Complete": e.Complete(),
		"Style":  template.CSS(pageStyle), // ours
		"Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) + "'; base-uri 'none'; form-action 'none'",
	})
}
