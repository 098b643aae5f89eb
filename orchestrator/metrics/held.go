package metrics

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// PublishHeld writes that all hosts of a fleet are held at a time. While they are not,
// nothing is written: an alarm that looks at it takes no point for no hold.
func PublishHeld(ctx context.Context, api API, namespace, fleet string, now time.Time) error {
	d := Sweep{Time: now}.datum("FleetHeld", types.StandardUnitCount, dimension("Fleet", fleet))
	one := 1.0
	d.Value = &one
	return put(ctx, api, namespace, []types.MetricDatum{d})
}
