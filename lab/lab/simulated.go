package lab

import (
	"strconv"
	"time"

	"aidefleet/lab/cloud"
	"aidefleet/lab/cloudwatch"
	"aidefleet/lab/simulate"
	documents "aidefleet/ssm-documents"
)

// agentSilence is how long an agent is silent before SSM gives it up, in the
// time of the hosts.
const agentSilence = 5 * time.Minute

// Regions are those of a lab with several, the first alone where it has one.
var Regions = []string{region, "eu-central-1", "us-west-2", "ap-southeast-2", "sa-east-1"}

// Simulation is a fleet of simulated hosts, and the account they are in.
type Simulation struct {
	simulate.Options
	Faults   cloud.Faults
	Failures []cloud.Failure
	// Consistency is how long after SendCommand a command has no targets and no
	// invocations yet; negative is not at all.
	Consistency time.Duration

	// Accounts and Regions are how many there are; each account has its own hosts
	// in each region. 0 is one.
	Accounts, Regions int
}

// simulated makes the accounts of simulated hosts, which have the documents
// already.
func (s Simulation) simulated(c cloud.Config) (account, error) {
	s.Accounts, s.Regions = max(s.Accounts, 1), max(s.Regions, 1)
	for n := range s.Accounts {
		c.Accounts = append(c.Accounts, Account(n))
	}
	var all []*cloud.Cloud
	for _, id := range c.Accounts {
		for _, name := range Regions[:s.Regions] {
			c.Account, c.Region, c.Metrics = id, name, cloudwatch.New(name, id)
			one, err := s.account(c)
			if err != nil {
				return nil, err
			}
			all = append(all, one)
			s.Seed++ // other hosts
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return cloud.NewOrganization(all...), nil
}

// Account is the n-th account of a lab, the first being the user's.
func Account(n int) string {
	own, _ := strconv.ParseInt(userAccount, 10, 64) // digits
	return strconv.FormatInt(own+int64(n), 10)
}

// account makes one account in one region.
func (s Simulation) account(c cloud.Config) (*cloud.Cloud, error) {
	instances, err := simulate.New(s.Options, time.Now())
	if err != nil {
		return nil, err
	}
	c.Faults, c.Failures, c.Consistency, c.Check = s.Faults, s.Failures, s.Consistency, documents.Check
	c.AgentSilence = time.Duration(float64(agentSilence) / s.Speed)
	account := cloud.New(c, instances...)
	for _, d := range documents.All() {
		if err := account.Publish(d.Name, d.Content); err != nil {
			return nil, err
		}
	}
	return account, nil
}
