package wholefile

import "os"

// CreateUnnamed makes a file in a folder that has no name any more: it lives as long as it
// is open, and a process that dies leaves nothing.
func CreateUnnamed(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "unnamed-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name())
	return f, nil
}
