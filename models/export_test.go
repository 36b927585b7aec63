package models

import "time"

// Hurry makes p wait less: before it tries again, and for a server that sends nothing.
func (p *Puller) Hurry(pause, stall time.Duration) {
	p.patience = patience{attempts: usual.attempts, pause: pause, stall: stall}
}
