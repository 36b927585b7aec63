package main

// ChangedKeys compares two configuration files; taken is what a box that runs by the first takes up of the second.
func ChangedKeys(before, after string) (live, restart []string, conflict error) {
	a, b := defaultConfig(), defaultConfig()
	for text, c := range map[string]*config{before: &a, after: &b} {
		if err := parseConfig([]byte(text), c); err != nil {
			return nil, nil, err
		}
	}
	taken, live, restart := a.taking(&b)
	return live, restart, taken.conflicts()
}
