package relay

import (
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"spotter/capture/playlist"
)

const (
	// holdLive is how long a playlist that changes is given again without asking: long enough for a crowd to be one
	// request, short enough to delay nobody by more than a part.
	holdLive = 300 * time.Millisecond
	// holdFinal is the same of one that does not.
	holdFinal = 10 * time.Second
	// maxLists and maxListBytes bound what is kept.
	maxLists     = 64
	maxListBytes = 32 << 20
)

// lists are the playlists that were asked for just now.
type lists struct {
	asking singleflight.Group

	mu   sync.Mutex
	kept map[string]keptList
}

type keptList struct {
	list  *playlist.Rewritten
	until time.Time
}

// get returns the playlist that is kept under a key, or else what ask returns, which is called once for all who wait. It
// is called on a goroutine of one of them.
func (l *lists) get(key string, ask func() (*playlist.Rewritten, error)) (*playlist.Rewritten, error) {
	if list := l.find(key); list != nil {
		return list, nil
	}
	v, err, _ := l.asking.Do(key, func() (any, error) {
		if list := l.find(key); list != nil { // it came between
			return list, nil
		}
		list, err := ask()
		if err != nil {
			return nil, err
		}
		l.keep(key, list)
		return list, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*playlist.Rewritten), nil
}

func (l *lists) find(key string) *playlist.Rewritten {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k, ok := l.kept[key]; ok && time.Now().Before(k.until) {
		return k.list
	}
	return nil
}

// keep keeps a playlist, and forgets those that are too old; all of them where they are too many.
func (l *lists) keep(key string, list *playlist.Rewritten) {
	now := time.Now()
	hold := holdLive
	if list.Final {
		hold = holdFinal
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	size := list.Size("")
	for k, v := range l.kept {
		if !now.Before(v.until) {
			delete(l.kept, k)
			continue
		}
		size += v.list.Size("")
	}
	if l.kept == nil || len(l.kept) >= maxLists || size > maxListBytes {
		l.kept = make(map[string]keptList)
	}
	if list.Size("") <= maxListBytes {
		l.kept[key] = keptList{list, now.Add(hold)}
	}
}
