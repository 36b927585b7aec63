package engage

import (
	"sync/atomic"
	"time"

	"spotter/engage/ledger"
)

// recent remembers the latest decisions, so that one that a player keeps showing need not be read from the ledger.
type recent [1 << 15]atomic.Pointer[decided]

// decided is what is remembered of a decision.
type decided struct {
	number     uint64
	at         time.Time
	instrument string
	policy     string // its version
	media      string
	viewer     ledger.Viewer
}

func (r *recent) put(d *decided) { r[d.number%uint64(len(r))].Store(d) }

// get returns nil when the decision is not remembered.
func (r *recent) get(number uint64) *decided {
	if d := r[number%uint64(len(r))].Load(); d != nil && d.number == number {
		return d
	}
	return nil
}

// forget forgets a viewer's.
func (r *recent) forget(v ledger.Viewer) {
	for i := range r {
		if d := r[i].Load(); d != nil && d.viewer == v {
			r[i].CompareAndSwap(d, nil)
		}
	}
}
