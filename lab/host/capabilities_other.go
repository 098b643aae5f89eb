//go:build !linux

package host

import "errors"

// capabilities are Linux's.
var capabilities map[string]uintptr

// Confine fails: without Linux there are no hosts.
func Confine([]string) error { return errors.New("there are no sandboxes here") }
