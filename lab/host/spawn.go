package host

import (
	"os/exec"
	"runtime"
	"sync"
)

// spawn starts a process that is to die with this one, killed or not. The kernel
// sends the signal for that (PR_SET_PDEATHSIG, which bwrap --die-with-parent sets)
// when the thread ends that created the process, and Go ends threads as it likes.
// So every such process is created by one goroutine that keeps its thread for
// good.
func spawn(cmd *exec.Cmd) error {
	dieWithParent(cmd)
	started := make(chan error)
	spawner() <- func() { started <- cmd.Start() }
	return <-started
}

var spawner = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})
