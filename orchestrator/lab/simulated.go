package lab

import (
	"time"

	"aidefleet/orchestrator/lab/cloud"
	"aidefleet/orchestrator/lab/simulate"
	documents "aidefleet/ssm-documents"
)

// agentSilence is how long an agent is silent before SSM gives it up, in the
// time of the hosts.
const agentSilence = 5 * time.Minute

// Simulation is a fleet of simulated hosts, and the account they are in.
type Simulation struct {
	simulate.Options
	Faults cloud.Faults
	// Consistency is how long after SendCommand a command has no targets and no
	// invocations yet; negative is not at all.
	Consistency time.Duration
}

// simulated makes an account of simulated hosts that has the documents already.
func (s Simulation) simulated(c cloud.Config) (*cloud.Cloud, error) {
	instances, err := simulate.New(s.Options, time.Now())
	if err != nil {
		return nil, err
	}
	c.Faults, c.Consistency, c.Check = s.Faults, s.Consistency, documents.Check
	c.AgentSilence = time.Duration(float64(agentSilence) / s.Speed)
	account := cloud.New(c, instances...)
	for _, d := range documents.All() {
		if err := account.Publish(d.Name, d.Content); err != nil {
			return nil, err
		}
	}
	return account, nil
}
