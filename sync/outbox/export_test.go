package outbox

import "time"

// SetJitter makes the pauses of a drainer longer by what jitter returns of a quarter of each, so that a run can be repeated.
func SetJitter(d *Drainer, jitter func(time.Duration) time.Duration) { d.rest.jitter = jitter }
