package httpapi

import "sync"

// recent keeps what was used lately, at most twice size entries of it: when the young ones are full they become the old
// ones, and those that were old and not asked for again are forgotten. It is safe for use by many goroutines.
type recent[K comparable, V any] struct {
	size int

	mu         sync.RWMutex
	young, old map[K]V
}

func newRecent[K comparable, V any](size int) *recent[K, V] {
	return &recent[K, V]{size: size, young: map[K]V{}}
}

func (r *recent[K, V]) get(key K) (V, bool) {
	r.mu.RLock()
	v, young := r.young[key]
	if young {
		r.mu.RUnlock()
		return v, true
	}
	v, old := r.old[key]
	r.mu.RUnlock()
	if old {
		return r.add(key, v), true
	}
	return v, false
}

// add keeps v under key and returns it, or what is there already.
func (r *recent[K, V]) add(key K, v V) V {
	r.mu.Lock()
	defer r.mu.Unlock()
	if there, ok := r.young[key]; ok {
		return there
	}
	if there, ok := r.old[key]; ok {
		v = there
	}
	if len(r.young) >= r.size {
		r.old, r.young = r.young, make(map[K]V, r.size/4)
	}
	r.young[key] = v
	return v
}
