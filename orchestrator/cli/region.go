package cli

import (
	"context"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
)

// connect gives each part of a sweep the AWS operations it asks for.
func connect(ctx context.Context, name string) (sweep.Region, error) {
	o, err := aws.Load(ctx, name)
	if err != nil {
		return sweep.Region{}, err
	}
	return sweep.Region{
		Name:  o.Region,
		Fleet: fleet.API{DescribeInstances: o.DescribeInstances, DescribeInstanceInformation: o.DescribeInstanceInformation},
		Commands: runcommand.API{
			SendCommand: o.SendCommand, ListCommands: o.ListCommands,
			ListCommandInvocations: o.ListCommandInvocations, CancelCommand: o.CancelCommand,
		},
		Metrics: metrics.API{PutMetricData: o.PutMetricData},
	}, nil
}
