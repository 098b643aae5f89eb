package report

import (
	"cmp"
	"slices"
)

// Cohort is a set of hosts with equal changes.
type Cohort struct {
	Fingerprint string
	Hosts       []Host
}

// Cohorts groups the drifted hosts, the largest group first. Many hosts with one
// fingerprint are a deploy; one host with its own is a suspect. Each host without a
// fingerprint is a group.
func (r Report) Cohorts() []Cohort {
	var cohorts []Cohort
	index := map[string]int{}
	for _, h := range r.Hosts {
		if h.Status != Drift {
			continue
		}
		if i, ok := index[h.Fingerprint]; ok && h.Fingerprint != "" {
			cohorts[i].Hosts = append(cohorts[i].Hosts, h)
			continue
		}
		index[h.Fingerprint] = len(cohorts)
		cohorts = append(cohorts, Cohort{Fingerprint: h.Fingerprint, Hosts: []Host{h}})
	}
	slices.SortStableFunc(cohorts, func(a, b Cohort) int { return cmp.Compare(len(b.Hosts), len(a.Hosts)) })
	return cohorts
}
