package report

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of what a block of hosts says below its row.
const (
	fewLines    = 3 // of names
	fewMessages = 3
	fewFlags    = 5 // hosts that a command names
)

// block is the hosts that share a row of a table: those that changed alike and of which
// there is nothing else to say, and those that failed or are missing for one reason.
type block struct{ hosts []Host }

// blocksOf are the blocks of hosts, in their order. If each host is to have a row they have
// one host each.
func blocksOf(hosts []Host, each bool) (blocks []block) {
	at := map[string]int{}
	for _, h := range hosts {
		key := ""
		if !each {
			key = h.alike()
		}
		if i, known := at[key]; known && key != "" {
			blocks[i].hosts = append(blocks[i].hosts, h)
			continue
		}
		at[key] = len(blocks)
		blocks = append(blocks, block{[]Host{h}})
	}
	return blocks
}

// alike is the same for hosts that can share a row; empty if this one can with none.
func (h Host) alike() string {
	hold := ""
	if h.Held != nil {
		hold = h.Held.ID
	}
	switch {
	case len(h.Suspect) > 0:
		return ""
	case h.Counts == nil:
		return fmt.Sprintf("%s %q %q", h.Status, h.Reason, hold)
	case h.Status != Drift || h.Message != "" || h.Next != "" || h.Unread > 0:
		return ""
	}
	told := 0
	groups := make([]string, 0, len(h.Groups))
	for _, g := range h.Groups {
		told += g.N
		groups = append(groups, g.Fingerprint)
	}
	if told < h.Sum() {
		if h.Fingerprint == "" {
			return ""
		}
		groups = []string{h.Fingerprint} // what is not told may differ
	}
	return fmt.Sprint(*h.Counts, h.New, h.Since != "", h.Explained, hold, groups)
}

// cells are the columns of the block's row.
func (b block) cells(did func(Host) string) []string {
	cells := row(b.hosts[0], did)
	switch n := count(len(b.hosts), "host"); {
	case len(b.hosts) == 1:
	case b.hosts[0].Counts == nil: // their names stand below
		cells[hostColumn], cells[instanceColumn] = n, ""
	default:
		cells[hostColumn], cells[instanceColumn] = strings.Join(b.names(), " "), n
	}
	return cells
}

func (b block) names() []string {
	names := make([]string, 0, len(b.hosts))
	for _, h := range b.hosts {
		names = append(names, Escape(h.Label()))
	}
	return names
}

// said are the messages of the hosts, each once.
func (b block) said() (list []string) {
	for _, h := range b.hosts {
		if h.Message == "" {
			continue
		}
		if text := Escape(h.Says()); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

// next is what to do about all of the hosts. A command names a few of them; one if they are
// more.
func (b block) next() string {
	first := b.hosts[0]
	if first.Next == "" {
		return ""
	}
	flag := " --instance " + first.Instance
	if len(b.hosts) == 1 || first.Instance == "" || !strings.Contains(first.Next, flag) {
		return Escape(first.Next)
	}
	if len(b.hosts) > fewFlags {
		return Escape(first.Next) + ", and so for the others"
	}
	all := ""
	for _, h := range b.hosts {
		all += " --instance " + h.Instance
	}
	return Escape(strings.Replace(first.Next, flag, all, 1))
}

// wrap fills at most so many lines of a width with words; the last one says how many words
// are left.
func wrap(words []string, width, lines int) (list []string) {
	for len(words) > 0 {
		n := fit(words, width)
		line := strings.Join(words[:n], " ")
		if len(list) == lines-1 && n < len(words) {
			const room = " and 100,000 more"
			n = fit(words, width-len(room))
			line = fmt.Sprintf("%s and %s more", clip(strings.Join(words[:n], " "), width-len(room)), Number(len(words)-n))
			return append(list, line)
		}
		list, words = append(list, clip(line, width)), words[n:]
	}
	return list
}

// fit is how many words have room in a line, at least one.
func fit(words []string, width int) int {
	used := terminal.StringWidth(words[0])
	for n := 1; n < len(words); n++ {
		if used += 1 + terminal.StringWidth(words[n]); used > width {
			return n
		}
	}
	return len(words)
}
