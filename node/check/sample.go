package check

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"aidefleet/node/aide"
)

// sampleSize is more paths than fit into a result line.
const sampleSize = 100

// sample keeps the changes that a person has to see first.
type sample struct{ best []sampled }

type sampled struct {
	rank int
	path string // with its kind before it
}

// relevant are beginnings of paths, the most security-relevant first: logins and rights,
// what runs by itself, what every program loads, programs, then the rest of the
// configuration.
var relevant = []string{
	"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sudoers", "/etc/pam.d", "/etc/ssh/",
	"/root/.ssh", "/etc/ld.so.preload", "/etc/ld.so", "/etc/cron", "/var/spool/cron", "/etc/systemd/", "/usr/lib/systemd/",
	"/etc/profile", "/etc/bash", "/etc/init.d", "/etc/rc", "/boot", "/etc/hosts", "/etc/resolv.conf", "/etc/aide",
	"/usr/sbin", "/usr/bin", "/sbin", "/bin", "/lib", "/usr/lib", "/usr/local", "/root", "/etc", "/opt", "/home",
}

// byLetter are the indices of relevant by the first letter of a path.
var byLetter = func() (by [256][]int) {
	for i, prefix := range relevant {
		by[prefix[1]] = append(by[prefix[1]], i)
	}
	return by
}()

// rank is lower for what is more relevant.
func rank(path []byte) int {
	if bytes.HasSuffix(path, []byte("/.ssh/authorized_keys")) {
		return 0
	}
	if len(path) > 1 {
		for _, i := range byLetter[path[1]] {
			if len(path) >= len(relevant[i]) && string(path[:len(relevant[i])]) == relevant[i] {
				return i + 1
			}
		}
	}
	return len(relevant) + 1
}

// add takes a change. A program that runs with the rights of its owner comes
// before everything else.
func (s *sample) add(kind aide.Kind, name []byte, setuid bool) {
	n := sampled{rank: rank(name)}
	if setuid {
		n.rank = -1
	}
	if len(s.best) == sampleSize {
		if last := s.best[sampleSize-1]; n.rank > last.rank || n.rank == last.rank && string(name) > last.path[1:] {
			return
		}
	}
	n.path = string(kind) + string(name)
	at, _ := slices.BinarySearchFunc(s.best, n, func(a, b sampled) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.path[1:], b.path[1:]), strings.Compare(a.path, b.path))
	})
	s.best = slices.Insert(s.best, at, n)
	s.best = s.best[:min(len(s.best), sampleSize)]
}

func (s *sample) paths() []string {
	var paths []string
	for _, b := range s.best {
		paths = append(paths, b.path)
	}
	return paths
}

// isSetuid reads the octal mode of a database: 104755.
func isSetuid(e aide.Entry) (setuid bool) {
	e.Attributes(func(column string, value []byte) {
		if column == "perm" && len(value) == 6 {
			setuid = value[0] == '1' && value[2] >= '2' && value[2] <= '7'
		}
	})
	return setuid
}
