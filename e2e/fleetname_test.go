package e2e

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFleetName: a check of one host does not publish as a fleet, whatever its comment says.
func TestFleetName(t *testing.T) {
	t.Parallel()
	s := simulate(t, 40, "--latency", "2ms", "--speed", "600", "--drift", "0", "--fail", "0")
	function := newFunction(t, s)
	started := function.want("started", startEvent("shop", time.Now()))
	s.await(started.Command)
	function.want("published", endEvent(started.Command, "Success"))
	hosts := s.sweep("sweep", "--tag", "env=dev", "--ledger", bucketLedger).Hosts
	for i, fleet := range []string{"env=prod", "shop"} {
		one := hosts[i].Instance
		sent, err := ssm.NewFromConfig(s.sdk()).SendCommand(t.Context(), &ssm.SendCommandInput{
			DocumentName: aws.String("AideFleet-Check"), MaxErrors: aws.String("100%"), Comment: aws.String("aidefleet start 20261126T050000Z-ABCD2345 fleet=" + fleet),
			Targets: []ssmtypes.Target{{Key: aws.String("InstanceIds"), Values: []string{one}}},
		})
		require.NoError(t, err)
		s.await(*sent.Command.CommandId)
		a := function.want("published", endEvent(*sent.Command.CommandId, "Success"))
		assert.Equal(t, one, a.Fleet, fleet)
	}
	n, _ := s.samples("SweepCompleted", "env=prod")
	assert.Zero(t, n)
	s.publishedOnce("shop")
}
