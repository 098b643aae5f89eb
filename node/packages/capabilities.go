package packages

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// capabilities are those of a file (capabilities(7)).
type capabilities struct {
	permitted, inheritable uint64
	effective              bool
}

// capabilityNames are in the order of their bits (linux/capability.h).
var capabilityNames = strings.Fields(`chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap
	linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio
	sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease
	audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon
	bpf checkpoint_restore`)

// parseCapabilities reads what rpm writes by cap_to_text(3): clauses as "cap_chown=ep", or
// "= cap_chown+ep" of older releases. Only clauses that add are read.
func parseCapabilities(text string) (c capabilities, err error) {
	for clause := range strings.FieldsSeq(text) {
		at := strings.IndexAny(clause, "=+")
		if at < 0 {
			return c, fmt.Errorf("capabilities %.80q: want names, = or +, and flags", text)
		}
		var bits uint64
		for name := range strings.SplitSeq(clause[:at], ",") {
			bit := slices.Index(capabilityNames, strings.TrimPrefix(strings.ToLower(name), "cap_"))
			switch {
			case name == "" && clause == "=": // none, to which the next clauses add
			case bit < 0:
				return c, fmt.Errorf("capability %.40q is not known", name)
			default:
				bits |= 1 << bit
			}
		}
		for _, flag := range clause[at+1:] {
			switch flag {
			case 'p':
				c.permitted |= bits
			case 'i':
				c.inheritable |= bits
			case 'e':
				c.effective = true
			default:
				return c, fmt.Errorf("capabilities %.80q: flag %q is not known", text, flag)
			}
		}
	}
	return c, nil
}

// Of linux/capability.h: the value of security.capability begins with the revision and the
// flag of effective, then come permitted and inheritable, their lower halves first.
const (
	capRevision2 = 0x02000000
	capRevisions = 0xff000000
	capEffective = 1
	capBytes     = 20
)

// decodeCapabilities reads the extended attribute. Revision 3 is for the root of a user
// namespace, which no package knows.
func decodeCapabilities(value []byte) (c capabilities, ok bool) {
	if len(value) != capBytes {
		return c, false
	}
	word := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(value[4*i:])) }
	c = capabilities{word(1) | word(3)<<32, word(2) | word(4)<<32, word(0)&capEffective != 0}
	return c, word(0)&capRevisions == capRevision2
}
