package main

import (
	"slices"
	"sync"
)

// mostUploads bounds what is remembered of pictures that the cloud has read from the bucket.
const mostUploads = 256

// uploads are the pictures that got into the bucket for the cloud to read, ahead of the outbox, the latest last. One that is
// forgotten is put there twice, which harms nobody.
type uploads struct {
	mu   sync.Mutex
	list []place
}

func (u *uploads) add(p place) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.list) == mostUploads {
		u.list = slices.Delete(u.list, 0, 1)
	}
	u.list = append(u.list, p)
}

// take reports whether a picture is in the bucket already, once.
func (u *uploads) take(p place) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	i := slices.Index(u.list, p)
	if i < 0 {
		return false
	}
	u.list = slices.Delete(u.list, i, i+1)
	return true
}
