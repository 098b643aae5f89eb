package program

import "syscall"

// From linux/ioprio.h: the class of processes that get the disk when nobody
// else wants it.
const (
	ioprioWhoProcess = 1
	ioprioClassIdle  = 3
	ioprioClassShift = 13
)

// Weight says how much of the machine a program may take.
type Weight struct {
	Nice   int  // of the CPU, 0 to 19
	IdleIO bool // read and write only when nobody else does
}

// apply gives the calling thread, and what it starts, a low priority. If a kernel or a
// sandbox refuses, the priority stays: a check at normal weight is better than none.
func (w Weight) apply() {
	if w.Nice > 0 {
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, w.Nice)
	}
	if w.IdleIO {
		_, _, _ = syscall.RawSyscall(syscall.SYS_IOPRIO_SET, ioprioWhoProcess, 0, ioprioClassIdle<<ioprioClassShift)
	}
}
