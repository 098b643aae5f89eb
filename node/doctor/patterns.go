package doctor

// patterns tells of @@include patterns that only AIDE understands.
func (e *examiner) patterns() {
	for _, err := range e.config.Unsaid {
		e.warn("config", "write the pattern without look-around and back-references, or let nothing lie in the folder but AIDE's configuration",
			"%v; every file in the folder is taken for a part of the configuration, and no program there is run", err)
	}
}
