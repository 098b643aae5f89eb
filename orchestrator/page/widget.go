package page

import (
	_ "embed" // the widget
	"html/template"
	"io"
)

//go:embed widget.html
var widgetText string

var widget = template.Must(template.New("widget").Parse(widgetText))

// mostInWidget bounds what a widget lists.
const mostInWidget = 8

// WriteWidget writes the findings of a page as the HTML of a custom widget of a CloudWatch
// dashboard, which has no scripts, frames and forms (CloudWatch user guide, "Details about
// custom widgets" and "Security and JavaScript").
func WriteWidget(w io.Writer, p Page) error {
	v := p.view()
	v.More = map[string]string{}
	v.Suspect = bounded(&v, "suspect", v.Suspect, mostInWidget)
	v.Broken = bounded(&v, "broken", v.Broken, mostInWidget)
	v.Groups = bounded(&v, "groups", v.Groups, mostInWidget)
	for i := range v.Suspect {
		v.Suspect[i].Paths = nil
	}
	return widget.Execute(w, v)
}
