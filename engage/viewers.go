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
	gone    bool // no longer remembered
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
			s.forget(id, old)
		}
	}
	return one
}

// forget takes a viewer out. The caller holds the lock.
func (s *shard) forget(id string, one *viewer) {
	s.lru.Remove(id)
	one.gone = true
}

// who returns a viewer and, unless it is not wanted, the stored profile.
func (v *viewers) who(id string, wanted bool) (*viewer, *profile, error) {
	s := v.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	one := v.get(s, id)
	if !wanted {
		return one, nil, nil
	}
	if one.profile == nil {
		// Reading under the lock keeps a profile that was just put from being hidden by the one before.
		p, err := v.read(id)
		if err != nil {
			return one, new(profile), err
		}
		one.profile = p
	}
	return one, one.profile, nil
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

// count reads the counts that were not asked for before. The caller holds the shard's lock.
func (v *viewers) count(one *viewer, list []arm) error {
	var ids []string
	known := len(one.counts)
	at := 0
	for _, m := range list {
		if m.Caps.PerViewer <= 0 {
			continue
		}
		if i := one.known(m.tally, at); i >= 0 {
			at = i + 1
			continue
		}
		ids = append(ids, m.ID)
		one.counts = append(one.counts, shown{m.tally, 0})
	}
	if len(ids) == 0 {
		return nil
	}
	n, err := v.ledger.ShownEach(one.hashed, ids)
	if err != nil {
		one.counts = one.counts[:known]
		return err
	}
	for i := range n {
		one.counts[known+i].n = n[i]
	}
	return nil
}

// current returns the viewer of a question, or nil when they are being erased, or were since the question was asked: nothing may
// be decided then on what was known of them. The caller holds the shard's lock.
func (a *asked) current() *viewer {
	if a.who.gone || a.who.erasing {
		return nil
	}
	return a.who
}

// open drops from list those instruments that the viewer has seen as often as may be.
func (v *viewers) open(a *asked, list []arm) ([]arm, error) {
	s := v.shard(a.Viewer)
	s.mu.Lock()
	defer s.mu.Unlock()
	one := a.current()
	if one == nil {
		return list[:0], nil
	}
	if err := v.count(one, list); err != nil {
		return list[:0], err
	}
	kept := list[:0]
	at := 0
	for _, m := range list {
		if m.Caps.PerViewer > 0 {
			at = one.known(m.tally, at)
			if one.counts[at].n >= m.Caps.PerViewer {
				continue
			}
		}
		kept = append(kept, m)
	}
	return kept, nil
}

// reserve counts a decision for the viewer, unless there is no room for one; settle must follow.
func (v *viewers) reserve(a *asked, m arm) (bool, error) {
	s := v.shard(a.Viewer)
	s.mu.Lock()
	defer s.mu.Unlock()
	one := a.current()
	if one == nil {
		return false, nil
	}
	if err := v.count(one, []arm{m}); err != nil {
		return false, err
	}
	if i := one.known(m.tally, 0); i >= 0 {
		if m.Caps.PerViewer > 0 && one.counts[i].n >= m.Caps.PerViewer {
			return false, nil
		}
		one.counts[i].n++
	}
	one.pending++
	return true, nil
}

// settle ends a reservation: the decision is in the ledger, or it is not and does not count.
func (v *viewers) settle(a *asked, m arm, decided bool) {
	s := v.shard(a.Viewer)
	s.mu.Lock()
	defer s.mu.Unlock()
	one := a.who // still remembered, as long as something is pending
	if i := one.known(m.tally, 0); i >= 0 && !decided {
		one.counts[i].n--
	}
	if one.pending--; one.pending == 0 {
		s.idle.Broadcast()
	}
}

// known returns the index of the count of an instrument, or -1 when none was read. It looks from an index on, and before it
// last: questions mostly have their instruments in the order of those before.
func (one *viewer) known(t *tally, from int) int {
	for i := from; i < len(one.counts); i++ {
		if one.counts[i].tally == t {
			return i
		}
	}
	for i := range min(from, len(one.counts)) {
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
	s.forget(id, one)
	s.idle.Broadcast()
	return err
}
