package engage

import (
	"encoding/json"
	"errors"
	"hash/maphash"
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"spotter/engage/ledger"
	"spotter/engage/policy"
)

// viewers remembers the counts and the profiles of those who watched last. What it forgets is read from the ledger again.
type viewers struct {
	ledger *ledger.Ledger
	names  *names
	seed   maphash.Seed
	shards [viewerShards]shard
}

// At most viewerShards * shardRoom viewers are remembered, and those in the middle of a decision.
const (
	viewerShards = 64
	shardRoom    = 1024
)

type shard struct {
	mu   sync.Mutex
	idle sync.Cond // told when a viewer's pending comes to 0, or an erasure ends
	lru  *simplelru.LRU[string, *viewer]
}

// viewer is one of them, guarded by its shard.
type viewer struct {
	hashed  ledger.Viewer
	profile *profile // nil: not read
	counts  []shown
	pending int  // decisions that are reserved and not yet in the ledger
	erasing bool // nothing is decided for this viewer meanwhile
}

// shown is how often an instrument was chosen for a viewer. The instrument is known by its tally, so that one that is
// deleted and made anew starts from 0.
type shown struct {
	tally *tally
	n     int
}

// profile is what is known of a viewer, ready for use. It is not changed once made.
type profile struct {
	attributes map[string]any // nil: there is none
	features   []policy.Feature
}

func newViewers(l *ledger.Ledger, n *names) *viewers {
	v := &viewers{ledger: l, names: n, seed: maphash.MakeSeed()}
	for i := range v.shards {
		s := &v.shards[i]
		s.idle.L = &s.mu
		s.lru, _ = simplelru.NewLRU[string, *viewer](math.MaxInt32, nil) // Its only error is a size below 1.
	}
	return v
}

func (v *viewers) shard(id string) *shard {
	return &v.shards[maphash.String(v.seed, id)%viewerShards]
}

// get returns the viewer of an id. The caller holds the shard's lock.
func (v *viewers) get(s *shard, id string) *viewer {
	if one, ok := s.lru.Get(id); ok {
		return one
	}
	one := &viewer{hashed: v.ledger.Viewer(id)}
	s.lru.Add(id, one)
	for tries := s.lru.Len(); tries > 0 && s.lru.Len() > shardRoom; tries-- {
		id, old, _ := s.lru.GetOldest()
		if old.pending > 0 || old.erasing || old == one {
			s.lru.Get(id) // makes it the newest
		} else {
			s.lru.Remove(id)
		}
	}
	return one
}

// who returns a viewer's hashed id and, unless it is not wanted, the stored profile.
func (v *viewers) who(id string, wanted bool) (ledger.Viewer, *profile, error) {
	s := v.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	one := v.get(s, id)
	if !wanted {
		return one.hashed, nil, nil
	}
	if one.profile == nil {
		// Reading under the lock keeps a profile that was just put from being hidden by the one before.
		p, err := v.read(id)
		if err != nil {
			return one.hashed, new(profile), err
		}
		one.profile = p
	}
	return one.hashed, one.profile, nil
}

func (v *viewers) read(id string) (*profile, error) {
	text, err := v.ledger.Profile(id)
	if errors.Is(err, ledger.ErrUnknown) {
		return new(profile), nil
	}
	if err != nil {
		return nil, err
	}
	p := new(profile)
	if err := json.Unmarshal(text, &p.attributes); err != nil {
		return nil, err
	}
	p.features = v.names.attributes(p.attributes)
	return p, nil
}

// count returns the viewer's count of an instrument. The caller holds the shard's lock.
func (v *viewers) count(one *viewer, a *active) (*shown, error) {
	for i := range one.counts {
		if one.counts[i].tally == a.tally {
			return &one.counts[i], nil
		}
	}
	n, err := v.ledger.Shown(one.hashed, a.ID)
	if err != nil {
		return nil, err
	}
	one.counts = append(one.counts, shown{a.tally, n})
	return &one.counts[len(one.counts)-1], nil
}

// open drops from list those instruments that the viewer has seen as often as may be.
func (v *viewers) open(id string, list []arm) ([]arm, error) {
	s := v.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	one := v.get(s, id)
	if one.erasing {
		return list[:0], nil
	}
	kept := list[:0]
	for _, m := range list {
		if m.Caps.PerViewer > 0 {
			c, err := v.count(one, m.active)
			if err != nil {
				return list[:0], err
			}
			if c.n >= m.Caps.PerViewer {
				continue
			}
		}
		kept = append(kept, m)
	}
	return kept, nil
}

// reserve counts a decision for the viewer, unless there is no room for one; settle must follow.
func (v *viewers) reserve(id string, a *active) (bool, error) {
	s := v.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	one := v.get(s, id)
	if one.erasing {
		return false, nil
	}
	if a.Caps.PerViewer > 0 {
		c, err := v.count(one, a)
		if err != nil || c.n >= a.Caps.PerViewer {
			return false, err
		}
		c.n++
	} else if i := one.known(a.tally); i >= 0 {
		one.counts[i].n++
	}
	one.pending++
	return true, nil
}

// settle ends a reservation: the decision is in the ledger, or it is not and does not count.
func (v *viewers) settle(id string, a *active, decided bool) {
	s := v.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	one := v.get(s, id)
	if i := one.known(a.tally); i >= 0 && !decided {
		one.counts[i].n--
	}
	if one.pending--; one.pending == 0 {
		s.idle.Broadcast()
	}
}

// known returns the index of the count of an instrument, or -1 when none was read.
func (one *viewer) known(t *tally) int {
	for i := range one.counts {
		if one.counts[i].tally == t {
			return i
		}
	}
	return -1
}

// refresh makes the profile of a viewer be read again.
func (v *viewers) refresh(id string) {
	s := v.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, ok := s.lru.Peek(id); ok {
		one.profile = nil
	}
}

// erase runs f, which takes the viewer out of the ledger, while nothing is being decided for them, and forgets them.
func (v *viewers) erase(id string, f func(ledger.Viewer) error) error {
	s := v.shard(id)
	s.mu.Lock()
	one := v.get(s, id)
	for one.erasing {
		s.idle.Wait()
		one = v.get(s, id)
	}
	one.erasing = true
	for one.pending > 0 {
		s.idle.Wait()
	}
	s.mu.Unlock()
	err := f(one.hashed)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lru.Remove(id)
	s.idle.Broadcast()
	return err
}
