package lambda

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/runcommand"
)

var now = time.Date(2026, 11, 24, 5, 0, 10, 0, time.UTC)

const (
	id        = "12345678-90ab-cdef-1234-567890abcdef"
	scheduled = `"scheduled":"2026-11-24T05:00:00Z"`
)

// bus is an event of EventBridge, with its fields replaced in pairs.
func bus(replacements ...string) string {
	return strings.NewReplacer(replacements...).Replace(`{"version":"0","id":"51c0891d-0e34-45b1-83d6-95db273d1602","detail-type":"EC2 Command Status-change Notification",
		"source":"aws.ssm","account":"123456789012","region":"us-east-1","resources":[],
		"detail":{"command-id":"` + id + `","document-name":"AideFleet-Check","status":"Success","requested-date-time":"2026-11-24T05:00:01Z"}}`)
}

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct{ event, want string }{
		"a start": {
			`{"sweep":{"tags":{"role":["web","db"],"env":["prod"]}},` + scheduled + `}`,
			"start env=prod role=web,db as env=prod role=web,db map[executionTimeout:14400] 10m0s 100% 100% 05:00:00",
		},
		"a start with everything": {
			`{"sweep":{"tags":{"env":["prod"]},"fleet":"prod","execution_timeout":"2h","delivery_timeout":"30s","max_concurrency":"50","max_errors":"10%","config":"/etc/aide.conf","document_version":"3","document_hash":"` + strings.Repeat("0a", 32) + `"},"scheduled":"2026-11-24T06:00:00+01:00"}`,
			"start env=prod as prod map[config:/etc/aide.conf executionTimeout:7200] 30s 50 10% 05:00:00 version 3 hash " + strings.Repeat("0a", 32),
		},
		"a reconcile":              {`{"reconcile":{}}`, "reconcile 72h0m0s"},
		"a reconcile of two days":  {`{"reconcile":{"hours":48},` + scheduled + `}`, "reconcile 48h0m0s"},
		"the end of a command":     {bus(), "ended " + id},
		"an end with spaces in it": {bus("Success", "Timed Out"), "ended " + id},
	} {
		e, err := parse([]byte(tc.event), now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := ""
		switch {
		case e.start != nil:
			s := e.start
			got = fmt.Sprintf("start %s as %s %v %s %s %s %s", s.selector, s.fleet, s.request.Parameters, s.request.DeliveryTimeout, s.request.MaxConcurrency, s.request.MaxErrors, s.scheduled.UTC().Format(time.TimeOnly))
			if s.request.DocumentVersion+s.request.DocumentHash != "" {
				got += " version " + s.request.DocumentVersion + " hash " + s.request.DocumentHash
			}
		case e.ended != nil:
			got = "ended " + e.ended.command
		case e.reconcile != nil:
			got = "reconcile " + e.reconcile.back.String()
		}
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	sweep := func(fields string) string {
		return `{"sweep":{"tags":{"env":["prod"]},` + fields + `},` + scheduled + `}`
	}
	for event, want := range map[string]string{
		``:              "no JSON object",
		`[]`:            "no JSON object",
		`null`:          "unknown event",
		`{}`:            "unknown event with the keys []",
		`{"Records":1}`: `unknown event with the keys ["Records"]`,
		`{"sweep":{"tags":{"env":["prod"]}},"reconcile":{},` + scheduled + `}`:   "unknown event",
		`{"sweep":{},"detail-type":"x",` + scheduled + `}`:                       "unknown event",
		`{"sweep":{},` + scheduled + `}`:                                         "sweep.tags: there are none",
		`{"sweep":null,` + scheduled + `}`:                                       "sweep.tags: there are none",
		`{"sweep":{"tags":{"env":[]}},` + scheduled + `}`:                        `sweep.tags: tag "env" has no value`,
		`{"sweep":{"tags":{"":["x"]}},` + scheduled + `}`:                        "without a key",
		`{"sweep":{"tags":{"env":["1","2","3","4","5","6"]}},` + scheduled + `}`: "has 6 values",
		`{"sweep":{"tags":{"env":"prod"}},` + scheduled + `}`:                    "cannot unmarshal",
		sweep(`"flet":"x"`):                                `unknown field "flet"`,
		sweep(`"fleet":"große"`):                           "cannot be a CloudWatch dimension",
		sweep(`"fleet":"` + strings.Repeat("f", 41) + `"`): "longer than 40",
		sweep(`"execution_timeout":"long"`):                "want a duration such as 4h",
		sweep(`"execution_timeout":"1s"`):                  "want 1m to 48h",
		sweep(`"delivery_timeout":"1"`):                    "want a duration such as 10m",
		sweep(`"delivery_timeout":"1s"`):                   "want 30s to 720h",
		sweep(`"max_concurrency":"0"`):                     "want a number from 1",
		sweep(`"max_errors":"x"`):                          "want a number",
		sweep(`"config":"aide.conf; reboot"`):              "want an absolute path",
		sweep(`"document_version":"newest"`):               "want a number, $LATEST",
		sweep(`"document_hash":"abc"`):                     "want a SHA-256",
		`{"sweep":{"tags":{"env":["prod"]}}}`:              `scheduled ""`,
		`{"sweep":{"tags":{"env":["prod"]}},"scheduled":"<aws.scheduler.scheduled-time>"}`: "want the time that the sweep is of",
		`{"sweep":{"tags":{"env":["prod"]}},"scheduled":"2026-11-23T04:59:00Z"}`:           "want a time from a day ago",
		`{"sweep":{"tags":{"env":["prod"]}},"scheduled":"2026-11-24T06:01:00Z"}`:           "want a time from a day ago",
		`{"sweep":{"tags":{"env":["prod"]}},` + scheduled + `}{}`:                          "no JSON object",
		`{"reconcile":{"hours":0}}`:                                "want 1 to 312",
		`{"reconcile":{"hours":313}}`:                              "want 1 to 312",
		`{"reconcile":{},"force":true}`:                            `unknown field "force"`,
		bus("aws.ssm", "my.app"):                                   `of "my.app"`,
		bus("EC2 Command Status", "EC2 Command Invocation Status"): "want",
		bus(id, "1; reboot"):                                       "is none",
		bus("AideFleet-Check", "AWS-RunShellScript"):               "which is no document of ours",
		bus("Success", "InProgress"):                               "is no end",
	} {
		e, err := parse([]byte(event), now)
		assert.ErrorContains(t, err, want, "%s: %+v", event, e)
		assert.ErrorContains(t, err, "docs/deploy.md", "%s: it does not say what is wanted", event)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"sweep":{"tags":{"env":["prod"]},"fleet":"prod"},` + scheduled + `}`))
	f.Add([]byte(`{"reconcile":{"hours":24}}`))
	f.Add([]byte(bus()))
	f.Add([]byte(`{"widgetContext":{"theme":"dark"},"fleet":"env=prod"}`))
	f.Add([]byte(`{"source":"aidefleet","detail-type":"Findings","detail":{"subject":"x","text":"y"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := parse(raw, now)
		kinds := 0
		for _, there := range []bool{e.start != nil, e.ended != nil, e.reconcile != nil, e.findings != nil, e.widget != nil} {
			if there {
				kinds++
			}
		}
		if err == nil {
			require.Equal(t, 1, kinds, "%q is %+v", raw, e)
		} else {
			require.Equal(t, 0, kinds, "%q is %+v", raw, e)
		}
		if s := e.start; s != nil {
			require.NoError(t, s.selector.Validate(), "%q starts %+v", raw, *s)
			require.NotEmpty(t, s.fleet, "%q starts %+v", raw, *s)
			require.NotEmpty(t, s.request.Parameters["executionTimeout"], "%q starts %+v", raw, *s)
		}
		if e.ended != nil && !runcommand.IsID(e.ended.command) {
			t.Fatalf("%q is the end of %q", raw, e.ended.command)
		}
	})
}

func TestOpenLedger(t *testing.T) {
	none, err := openLedger("", "", aws.Operations{})
	require.NoError(t, err)
	assert.Nil(t, none)
	l, err := openLedger("s3://my.bucket/ledger/", "", aws.Operations{})
	require.NoError(t, err)
	assert.Equal(t, "s3://my.bucket/ledger", l.Store.String())
	for _, bad := range []string{"bucket", "/tmp", "s3://", "s3://Bucket", "s3://b/ü", "s3://bucket//x", "https://bucket.s3.amazonaws.com", "s3://bucket/a b"} {
		_, err := openLedger(bad, "", aws.Operations{})
		assert.Error(t, err, bad)
	}
}
