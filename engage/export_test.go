package engage

// Open returns how many choices wait for what their viewers do.
func (e *Engine) Open() int { return len(e.open) }
