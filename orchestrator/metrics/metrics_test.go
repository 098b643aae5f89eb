package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/assert"
)

var requested = time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)

// recorder keeps what was put, and fails on call number failAt.
type recorder struct {
	mu     sync.Mutex
	calls  [][]types.MetricDatum
	failAt int
}

func (r *recorder) api() API {
	return API{PutMetricData: func(_ context.Context, in *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.failAt > 0 && len(r.calls)+1 == r.failAt {
			return nil, errors.New("refused")
		}
		r.calls = append(r.calls, in.MetricData)
		return &cloudwatch.PutMetricDataOutput{}, nil
	}}
}

func (r *recorder) lines() (lines []string) {
	for _, call := range r.calls {
		for _, d := range call {
			var dims []string
			for _, x := range d.Dimensions {
				dims = append(dims, aws.ToString(x.Name)+"="+aws.ToString(x.Value))
			}
			value := fmt.Sprint(d.Values, d.Counts)
			if v := d.StatisticValues; v != nil {
				value = fmt.Sprintf("%g to %g of %g, %g in all", *v.Minimum, *v.Maximum, *v.SampleCount, *v.Sum)
			}
			if d.Value != nil {
				value = fmt.Sprint(*d.Value)
			}
			lines = append(lines, fmt.Sprintf("%s{%s} %s %s", aws.ToString(d.MetricName), strings.Join(dims, ","), value, d.Unit))
		}
	}
	return lines
}

func TestPublish(t *testing.T) {
	r := &recorder{}
	err := Publish(t.Context(), r.api(), Sweep{
		Namespace: "AIDE", Time: requested, Published: requested.Add(time.Hour),
		Hosts: []Host{
			{ID: "i-3", Name: "web", Added: 2},
			{ID: "i-1", Name: "db-1", Added: 1, Changed: 2, Removed: 3, Held: true},
			{ID: "i-2", Name: "web", Added: 5, Explained: 4, Unread: 4},
			{ID: "i-4", Name: "web", Added: 2},
			{ID: "i-5", Name: "  "},
			{ID: "i-6", Name: "große"},
		},
		Fleet: Fleet{Name: "env=prod", Targeted: 8, Reported: 6, Clean: 2, Changed: 4, Failed: 1, Missing: 1, Suspect: 1, Held: 2, FailedUnheld: 1, NewChanges: 3, Seconds: 12.5},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"added{Instance=db-1} 1 Count", "changed{Instance=db-1} 2 Count", "removed{Instance=db-1} 3 Count",
		"added{Instance=i-5} 0 Count", "changed{Instance=i-5} 0 Count", "removed{Instance=i-5} 0 Count",
		"added{Instance=i-6} 0 Count", "changed{Instance=i-6} 0 Count", "removed{Instance=i-6} 0 Count",
		"added{Instance=web} [5 2] [1 2] Count",
		"added{Instance=web,InstanceId=i-2} 5 Count", "added{Instance=web,InstanceId=i-3} 2 Count", "added{Instance=web,InstanceId=i-4} 2 Count",
		"changed{Instance=web} [0] [3] Count",
		"changed{Instance=web,InstanceId=i-2} 0 Count", "changed{Instance=web,InstanceId=i-3} 0 Count", "changed{Instance=web,InstanceId=i-4} 0 Count",
		"removed{Instance=web} [0] [3] Count",
		"removed{Instance=web,InstanceId=i-2} 0 Count", "removed{Instance=web,InstanceId=i-3} 0 Count", "removed{Instance=web,InstanceId=i-4} 0 Count",
		"HostsTargeted{Fleet=env=prod} 8 Count", "HostsReported{Fleet=env=prod} 6 Count", "HostsClean{Fleet=env=prod} 2 Count",
		"HostsChanged{Fleet=env=prod} 4 Count", "HostsFailed{Fleet=env=prod} 1 Count", "HostsMissing{Fleet=env=prod} 1 Count", "HostsSuspect{Fleet=env=prod} 1 Count", "HostsHeld{Fleet=env=prod} 2 Count",
		"HostsFailedUnheld{Fleet=env=prod} 1 Count", "HostsMissingUnheld{Fleet=env=prod} 0 Count", "NewChanges{Fleet=env=prod} 3 Count",
		"SweepSeconds{Fleet=env=prod} 12.5 Seconds", "HostChanges{Fleet=env=prod} 0 to 6 of 6, 15 in all Count", "HostChangesUnheld{Fleet=env=prod} 0 to 5 of 6, 9 in all Count", "ChangesUnexplained{Fleet=env=prod} 0 to 2 of 6, 5 in all Count", "EntriesUnread{Fleet=env=prod} 0 to 4 of 6, 4 in all Count", "WorstChanges{Fleet=env=prod,Instance=db-1} 6 Count", "WorstChanges{Fleet=env=prod,Instance=web} 5 Count", "SweepPublished{Fleet=env=prod} 1.79541e+09 Seconds", "SweepCompleted{Fleet=env=prod} 1 Count",
	}
	if got := r.lines(); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, call := range r.calls {
		for _, d := range call {
			if want := map[bool]time.Time{false: requested, true: requested.Add(time.Hour)}[*d.MetricName == Mark]; !aws.ToTime(d.Timestamp).Equal(want) {
				t.Errorf("%s has the time %s, want that of the command", aws.ToString(d.MetricName), d.Timestamp)
			}
		}
	}
}

func TestPublishLimits(t *testing.T) {
	for _, hosts := range []int{0, 1, 333, 334, 1000, 5000} {
		r := &recorder{}
		s := Sweep{Namespace: "AIDE", Time: requested, Fleet: Fleet{Name: "f"}}
		for n := range hosts {
			s.Hosts = append(s.Hosts, Host{ID: fmt.Sprintf("i-%d", n), Name: fmt.Sprintf("host-%d", n)})
		}
		if err := Publish(t.Context(), r.api(), s); err != nil {
			t.Fatal(err)
		}
		if most := (3*hosts+999)/1000 + 1; len(r.calls) > most {
			t.Errorf("%d hosts took %d calls, want at most %d", hosts, len(r.calls), most)
		}
		for _, call := range r.calls {
			assert.LessOrEqual(t, len(call), maxDatums, "%d hosts: a call with %d datums", hosts, len(call))
			assert.NotEmpty(t, call, "%d hosts", hosts)
		}
	}
}

func TestPublishManyUnderOneName(t *testing.T) {
	r := &recorder{}
	s := Sweep{Namespace: "AIDE", Time: requested, Fleet: Fleet{Name: "f"}}
	for n := range 400 {
		s.Hosts = append(s.Hosts, Host{ID: fmt.Sprintf("i-%d", n), Name: "web", Added: n})
	}
	if err := Publish(t.Context(), r.api(), s); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, call := range r.calls {
		for _, d := range call {
			assert.LessOrEqual(t, len(d.Values), maxValues, "%d values, %d counts", len(d.Values), len(d.Counts))
			assert.Len(t, d.Values, len(d.Counts), "%d values, %d counts", len(d.Values), len(d.Counts))
			if aws.ToString(d.MetricName) == "added" {
				total += len(d.Values)
			}
		}
	}
	if total != 400 {
		t.Errorf("%d values of 400 hosts", total)
	}
}

// TestPublishStops: where SweepCompleted is, everything else is too.
func TestPublishStops(t *testing.T) {
	for failAt := 1; failAt <= 3; failAt++ {
		r := &recorder{failAt: failAt}
		s := Sweep{Namespace: "AIDE", Time: requested, Fleet: Fleet{Name: "f"}}
		for n := range 400 {
			s.Hosts = append(s.Hosts, Host{ID: fmt.Sprintf("i-%d", n)})
		}
		err := Publish(t.Context(), r.api(), s)
		assert.ErrorContains(t, err, "namespace AIDE")
		for _, line := range r.lines() {
			if strings.HasPrefix(line, "SweepCompleted") {
				t.Errorf("call %d failed, and the sweep is marked as complete", failAt)
			}
		}
	}
}

// TestCompleted looks for the second of the request among the points from then on.
func TestCompleted(t *testing.T) {
	point := func(least, most time.Time) []types.Datapoint {
		return []types.Datapoint{{Minimum: aws.Float64(float64(least.Unix())), Maximum: aws.Float64(float64(most.Unix()))}}
	}
	at := requested.Add(59 * time.Second)
	const days = "23 05:00-05:00,24 05:00-05:00"
	for _, tc := range []struct {
		name   string
		points []types.Datapoint // of the second day
		err    error
		want   bool
		asked  string
	}{
		{"alone", point(at, at), nil, true, days},
		{"the earlier of two", point(at, at.Add(time.Hour)), nil, true, days},
		{"the later of two", point(requested, at), nil, true, days},
		{"others, one of the same minute", point(requested, at.Add(time.Hour)), nil, false, days + ",25 05:00-07:15"},
		{"refused", nil, errors.New("refused"), false, "23 05:00-05:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var asked []string
			api := API{GetMetricStatistics: func(_ context.Context, in *cloudwatch.GetMetricStatisticsInput) (*cloudwatch.GetMetricStatisticsOutput, error) {
				asked = append(asked, in.StartTime.Format("02 15:04-")+in.EndTime.Format("15:04"))
				assert.Equal(t, "AIDE", *in.Namespace, "asked for %+v", in)
				assert.Equal(t, Mark, *in.MetricName)
				assert.Equal(t, "Fleet", *in.Dimensions[0].Name)
				assert.Equal(t, "env=prod", *in.Dimensions[0].Value)
				assert.LessOrEqual(t, in.EndTime.Sub(*in.StartTime), 1440*time.Minute)
				out := &cloudwatch.GetMetricStatisticsOutput{}
				if in.StartTime.Day() == 24 {
					out.Datapoints = tc.points
				}
				return out, tc.err
			}}
			got, err := Completed(t.Context(), api, "AIDE", "env=prod", at, requested.Add(50*time.Hour))
			assert.Equal(t, tc.want, got, "%t, asked %q", got, asked)
			assert.ErrorIs(t, err, tc.err)
			assert.Equal(t, tc.asked, strings.Join(asked, ","))
		})
	}
}

func TestValidateDimension(t *testing.T) {
	for _, good := range []string{"web-1", "env=prod role=web,db", "a b", strings.Repeat("x", 1024)} {
		if err := ValidateDimension(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", " ", "ä", "a\tb", "a\x7f", "a\nb", "\xff", strings.Repeat("x", 1025)} {
		if ValidateDimension(bad) == nil {
			t.Errorf("%q is taken for a dimension", bad)
		}
	}
}

// TestWorst: at most twenty hosts of a sweep have a series of their own by fleet, those with
// the most changes; a clean one has none.
func TestWorst(t *testing.T) {
	s := Sweep{Namespace: "AIDE", Time: requested, Fleet: Fleet{Name: "f"}}
	for n := range 30 {
		s.Hosts = append(s.Hosts, Host{ID: fmt.Sprintf("i-%d", n), Name: fmt.Sprintf("host-%02d", n), Added: n})
	}
	data := s.worstData()
	assert.Len(t, data, 20)
	assert.Equal(t, "host-29", aws.ToString(data[0].Dimensions[1].Value))
	assert.Equal(t, "host-10", aws.ToString(data[19].Dimensions[1].Value))
	s.Hosts = s.Hosts[:2]
	assert.Len(t, s.worstData(), 1)
}
