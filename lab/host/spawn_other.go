//go:build !linux

package host

import "os/exec"

// dieWithParent does nothing: without Linux there are no hosts.
func dieWithParent(*exec.Cmd) {}
