// Package metrics writes a sweep into CloudWatch.
//
// Per host: added, changed and removed with the dimension Instance, as the shell scripts
// before it wrote them, so that dashboards and alarms go on working. Per fleet: how many
// hosts were targeted, answered, changed, failed or were silent. A host that failed has no
// counts, and gets none here.
package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"golang.org/x/sync/errgroup"
)

// DefaultNamespace is the namespace of the metrics unless another is given.
const DefaultNamespace = "AIDE"

// Limits of PutMetricData (CloudWatch API reference, PutMetricData and MetricDatum).
const (
	maxDatums    = 1000
	maxValues    = 150
	maxDimension = 1024
	maxPuts      = 4 // calls at a time: ours
)

// API is what this package calls of AWS.
type API struct {
	PutMetricData       func(context.Context, *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error)
	GetMetricStatistics func(context.Context, *cloudwatch.GetMetricStatisticsInput) (*cloudwatch.GetMetricStatisticsOutput, error)
}

// Host is the result of a check that was done.
type Host struct {
	ID, Name                string
	Added, Removed, Changed int
	Explained               int  // changes that packages explain
	Unread                  int  // entries that AIDE could not look at
	Held                    bool // its drift is expected for a while
}

// Fleet is what a sweep found out about all hosts together.
type Fleet struct {
	Name                                                string
	Targeted, Reported, Clean, Changed, Failed, Missing int
	Suspect, Held                                       int // hosts, whatever else they are
	FailedUnheld, MissingUnheld                         int // without the held hosts: what alarms look at
	NewChanges                                          int // that were not there in the checks before
	Seconds                                             float64
}

// Sweep is everything that one command leaves behind in CloudWatch.
type Sweep struct {
	Namespace string
	// Time is when the command was requested.
	Time  time.Time
	Hosts []Host
	Fleet Fleet
	// Published is when this is written, which Completed can read at any age of Time.
	Published time.Time
}

// Publish writes the sweep, and the point SweepCompleted last: if it is there, everything
// else is too. Publish stops at the first error.
func Publish(ctx context.Context, api API, s Sweep) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(maxPuts)
	for batch := range slices.Chunk(s.hostData(), maxDatums) {
		g.Go(func() error { return put(gctx, api, s.Namespace, batch) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return put(ctx, api, s.Namespace, s.fleetData())
}

func put(ctx context.Context, api API, namespace string, data []types.MetricDatum) error {
	_, err := api.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String(namespace), MetricData: data})
	if err != nil {
		return fmt.Errorf("publish %d metrics to namespace %s: %w", len(data), namespace, err)
	}
	return nil
}

// ValidateDimension reports why CloudWatch would not take v as the value of a
// dimension.
func ValidateDimension(v string) error {
	switch {
	case strings.TrimSpace(v) == "":
		return errors.New("it is blank")
	case len(v) > maxDimension:
		return fmt.Errorf("it is longer than %d characters", maxDimension)
	case strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }):
		return errors.New("it has a character that is not printable ASCII")
	}
	return nil
}

// label is the value of the dimension Instance: the Name tag, or the id if the Name cannot
// be one.
func (h Host) label() string {
	if ValidateDimension(h.Name) != nil {
		return h.ID
	}
	return h.Name
}

func (h Host) changes() int { return h.Added + h.Changed + h.Removed }

func (h Host) counts() [3]int { return [3]int{h.Added, h.Changed, h.Removed} }

var countNames = [3]string{"added", "changed", "removed"}

// hostData returns three datums per host. Hosts that share a Name share the
// series of that Name (Maximum is the worst of them, Sum their total), and each
// has a series of its own besides.
func (s Sweep) hostData() []types.MetricDatum {
	hosts := slices.Clone(s.Hosts)
	slices.SortFunc(hosts, func(a, b Host) int {
		return cmp.Or(cmp.Compare(a.label(), b.label()), cmp.Compare(a.ID, b.ID))
	})
	data := make([]types.MetricDatum, 0, 3*len(hosts))
	for len(hosts) > 0 {
		n := 1
		for n < len(hosts) && hosts[n].label() == hosts[0].label() {
			n++
		}
		data = append(data, s.sharedData(hosts[:n])...)
		hosts = hosts[n:]
	}
	return data
}

// sharedData returns the datums of hosts with one label.
func (s Sweep) sharedData(hosts []Host) (data []types.MetricDatum) {
	for m, name := range countNames {
		var values []float64
		var counts []float64
		for _, h := range hosts {
			v := float64(h.counts()[m])
			if i := slices.Index(values, v); i >= 0 {
				counts[i]++
			} else {
				values, counts = append(values, v), append(counts, 1)
			}
		}
		for len(values) > 0 {
			n := min(len(values), maxValues)
			d := s.datum(name, types.StandardUnitCount, dimension("Instance", hosts[0].label()))
			if len(hosts) == 1 {
				d.Value = aws.Float64(values[0])
			} else {
				d.Values, d.Counts = values[:n], counts[:n]
			}
			data = append(data, d)
			values, counts = values[n:], counts[n:]
		}
		if len(hosts) == 1 {
			continue
		}
		for _, h := range hosts {
			d := s.datum(name, types.StandardUnitCount, dimension("Instance", h.label()), dimension("InstanceId", h.ID))
			d.Value = aws.Float64(float64(h.counts()[m]))
			data = append(data, d)
		}
	}
	return data
}

func (s Sweep) fleetData() []types.MetricDatum {
	f := s.Fleet
	var data []types.MetricDatum
	add := func(name string, value float64, unit types.StandardUnit) {
		d := s.datum(name, unit, dimension("Fleet", f.Name))
		d.Value = aws.Float64(value)
		data = append(data, d)
	}
	for _, m := range []struct {
		name  string
		value float64
		unit  types.StandardUnit
	}{
		{"HostsTargeted", float64(f.Targeted), types.StandardUnitCount},
		{"HostsReported", float64(f.Reported), types.StandardUnitCount},
		{"HostsClean", float64(f.Clean), types.StandardUnitCount},
		{"HostsChanged", float64(f.Changed), types.StandardUnitCount},
		{"HostsFailed", float64(f.Failed), types.StandardUnitCount},
		{"HostsMissing", float64(f.Missing), types.StandardUnitCount},
		{"HostsSuspect", float64(f.Suspect), types.StandardUnitCount},
		{"HostsHeld", float64(f.Held), types.StandardUnitCount},
		{"HostsFailedUnheld", float64(f.FailedUnheld), types.StandardUnitCount},
		{"HostsMissingUnheld", float64(f.MissingUnheld), types.StandardUnitCount},
		{"NewChanges", float64(f.NewChanges), types.StandardUnitCount},
		{"SweepSeconds", f.Seconds, types.StandardUnitSeconds},
	} {
		add(m.name, m.value, m.unit)
	}
	if len(s.Hosts) > 0 {
		data = append(data,
			s.ofHosts("HostChanges", Host.changes),
			s.ofHosts("HostChangesUnheld", func(h Host) int {
				if h.Held {
					return 0
				}
				return h.changes()
			}),
			s.ofHosts("ChangesUnexplained", func(h Host) int {
				if h.Held {
					return 0
				}
				return h.changes() - h.Explained
			}),
			s.ofHosts("EntriesUnread", func(h Host) int { return h.Unread }))
	}
	data = append(data, s.worstData()...)
	data = append(data, s.mark())
	add(completed, 1, types.StandardUnitCount)
	return data
}

// Worst is the series of the hosts with the most changes, by fleet and host: what a
// dashboard ranks.
const Worst = "WorstChanges"

// mostWorst is how many hosts of a sweep have it. Each is a series that costs money.
const mostWorst = 20

// worstData are the changes of the hosts that have the most of them.
func (s Sweep) worstData() (data []types.MetricDatum) {
	most := map[string]int{} // by label
	for _, h := range s.Hosts {
		if n := h.changes(); n > 0 {
			most[h.label()] = max(most[h.label()], n)
		}
	}
	labels := slices.SortedFunc(maps.Keys(most), func(a, b string) int {
		return cmp.Or(cmp.Compare(most[b], most[a]), cmp.Compare(a, b))
	})
	for _, label := range labels[:min(len(labels), mostWorst)] {
		d := s.datum(Worst, types.StandardUnitCount, dimension("Fleet", s.Fleet.Name), dimension("Instance", label))
		d.Value = aws.Float64(float64(most[label]))
		data = append(data, d)
	}
	return data
}

// ofHosts puts a number of each host into one series, so that an alarm sees the worst of
// them (Maximum) and their total (Sum).
func (s Sweep) ofHosts(name string, number func(Host) int) types.MetricDatum {
	least, most, sum := math.MaxInt, 0, 0
	for _, h := range s.Hosts {
		n := number(h)
		least, most, sum = min(least, n), max(most, n), sum+n
	}
	d := s.datum(name, types.StandardUnitCount, dimension("Fleet", s.Fleet.Name))
	d.StatisticValues = &types.StatisticSet{
		SampleCount: aws.Float64(float64(len(s.Hosts))), Sum: aws.Float64(float64(sum)),
		Minimum: aws.Float64(float64(least)), Maximum: aws.Float64(float64(most)),
	}
	return d
}

func (s Sweep) datum(name string, unit types.StandardUnit, dimensions ...types.Dimension) types.MetricDatum {
	return types.MetricDatum{MetricName: aws.String(name), Unit: unit, Timestamp: aws.Time(s.Time), Dimensions: dimensions}
}

func dimension(name, value string) types.Dimension {
	return types.Dimension{Name: aws.String(name), Value: aws.String(value)}
}
