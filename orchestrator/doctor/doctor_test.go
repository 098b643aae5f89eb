package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func lines(found []Finding) (list []string) {
	for _, f := range found {
		list = append(list, fmt.Sprintf("%s|%s|%s|%s", f.Name, f.Status, f.Message, f.Next))
	}
	return list
}

func TestExamine(t *testing.T) {
	ask := func(found ...Finding) func(context.Context) []Finding {
		return func(context.Context) []Finding { return found }
	}
	d := Examine(t.Context(), []Question{
		{"identity", ask(Finding{Status: Failed, Message: "AWS cannot be reached (sts)", Unanswered: true})},
		{"calls", ask(Finding{Status: Failed, Message: "AWS cannot be reached (ssm)", Next: "x", Unanswered: true})},
		{"documents", ask(Finding{Name: "a", Status: OK}, Finding{Name: "b", Status: Warning, Message: "differs", Next: "publish"})},
		{"same", ask(Finding{Status: Warning, Message: "differs", Next: "publish"})},
	})
	want := []string{
		"identity|failed|AWS cannot be reached (sts)|", "calls|not tried|as identity|", "documents a|ok||", "documents b|warning|differs|publish",
		"same|warning|differs|publish",
	}
	if got := lines(d); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	var b strings.Builder
	if err := d.WriteTable(&b, strings.ToUpper); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	assert.Contains(t, got, "warning    DOCUMENTS B  DIFFERS\n           → PUBLISH\n")
	assert.True(t, strings.HasSuffix(got, "\n1 failed, 2 warnings\n"), "table:\n%s", got)
	assert.NotContains(t, got, " \n")
	text, err := json.Marshal(d)
	assert.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), `{"v":1,"status":"failed","failed":1,"warnings":2,"checks":[{"name":"identity","status":"failed"`), string(text))
}

func TestAgents(t *testing.T) {
	many := make([]agent, 20)
	for i := range many {
		many[i] = agent{Host: fmt.Sprint("h", i), Ping: "ConnectionLost", Version: "3.0"}
	}
	for name, c := range map[string]struct {
		agents []agent
		limit  int
		want   []string
	}{
		"none": {nil, 10, []string{"|warning|SSM knows of no Linux host here|"}},
		"well": {[]agent{{"a", "Online", "3.0.0"}, {"b", "Online", ""}}, 10, []string{"|ok|2 online|"}},
		"both": {
			[]agent{{"a", "ConnectionLost", "2.3.1"}, {"b", "Online", "3.3.1611.0"}}, 10,
			[]string{"|warning|1 of 2 are silent: a|", "|warning|1 of 2 are older than version 3: a (2.3.1)|"},
		},
		"limit": {many, 20, []string{"|warning|20 of the first 20 are silent: h0 h1 h2 h3 h4 h5 h6 h7 and 12 more|"}},
	} {
		got := lines(judgeAgents(c.agents, c.limit))
		require.Len(t, got, len(c.want), name)
		for i := range got {
			assert.True(t, strings.HasPrefix(got[i], c.want[i]), "%s: got %q, want %q", name, got[i], c.want[i])
		}
	}
}

func TestHosts(t *testing.T) {
	const (
		well    = `{"v":1,"status":"ok","failed":0,"warnings":0,"checks":[{"name":"aide","status":"ok"}]}` + "\nfor people"
		noBase  = `{"v":1,"status":"failed","checks":[{"name":"aide","status":"ok"},{"name":"baseline","status":"failed","reason":"baseline_missing","message":"there is none","next":"aide-node init"}]}`
		oldLast = `{"v":1,"status":"ok","checks":[{"name":"last","status":"warning","message":"none yet","next":"aide-node check"}]}`
		noNode  = `{"v":1,"status":"failed","reason":"node_missing","message":"it is not installed"}`
	)
	found := Hosts([]Host{
		{ID: "i-1", Name: "web-1", Output: well},
		{ID: "i-2", Name: "web-2", Output: oldLast},
		{ID: "i-3", Name: "db-1", Output: noBase},
		{ID: "i-4", Output: noBase},
		{ID: "i-5", Name: "api", Reason: "agent_lost", Next: "restart it"},
		{ID: "i-6", Name: "bare", Output: noNode},
		{ID: "i-7", Name: "odd", Output: "\x1b[31mnonsense \xff"},
		{ID: "i-8", Name: "empty"},
		{ID: "i-9", Name: "terse", Output: `{"v":1,"status":"ok"}`},
	}, func(reason, id string) string {
		if reason == "baseline_missing" {
			return "init " + id
		}
		return ""
	})
	want := []string{
		"|ok|2 of 9 have nothing wrong|",
		"baseline|failed|db-1 i-4: baseline_missing: host says: there is none|init i-3",
		"reach|failed|api: agent_lost|restart it",
		"aide-node|failed|bare: node_missing: host says: it is not installed|",
		"aide-node|failed|odd empty: bad_output: \x1b[31mnonsense \ufffd|",
		"last|warning|web-2: host says: none yet|host says: aide-node check",
	}
	if got := lines(found); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
