package capture

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"spotter/capture/fetch"
	"spotter/capture/playlist"
)

const (
	// maxManifest bounds a steering manifest in bytes, and maxClones the pathways it may add.
	maxManifest = 1 << 20
	maxClones   = 64
	// usualTTL is how long a steering manifest holds that does not say (rfc8216bis section 7.1); minTTL and maxTTL bound
	// what it says.
	usualTTL = 5 * time.Minute
	minTTL   = 10 * time.Second
	maxTTL   = time.Hour
)

// manifest is a steering manifest (rfc8216bis section 7.2).
type manifest struct {
	Version  int            `json:"VERSION"`
	TTL      float64        `json:"TTL"` // seconds
	Reload   string         `json:"RELOAD-URI"`
	Priority []string       `json:"PATHWAY-PRIORITY"`
	Clones   []pathwayClone `json:"PATHWAY-CLONES"`

	err error
}

// pathwayClone is a pathway that the multivariant playlist does not name (rfc8216bis section 7.3).
type pathwayClone struct {
	Base        string `json:"BASE-ID"`
	ID          string `json:"ID"`
	Replacement struct {
		Host       string            `json:"HOST"`
		Params     map[string]string `json:"PARAMS"`
		PerVariant map[string]string `json:"PER-VARIANT-URIS"`
	} `json:"URI-REPLACEMENT"`
}

// steering is what a steering server says of the order in which pathways are used.
type steering struct {
	server   *url.URL // as the playlist names it; nil: there is none
	reload   *url.URL // where the next manifest is
	priority []string
	clones   []pathwayClone

	at    time.Time      // of the next load
	found chan *manifest // capacity 1; a load is under way
}

// begin takes up a multivariant playlist's EXT-X-CONTENT-STEERING. Of a server that is known already what it said holds.
func (s *steering) begin(tag *playlist.Steering) {
	switch {
	case tag == nil || tag.Server == nil:
		*s = steering{} // what is under way is of another server
	case s.server == nil || s.server.String() != tag.Server.String():
		*s = steering{server: tag.Server, reload: tag.Server, at: time.Now()}
		if tag.Pathway != "" {
			s.priority = []string{tag.Pathway}
		}
	}
}

// copy returns what order needs, for another goroutine.
func (s *steering) copy() *steering {
	return &steering{priority: slices.Clone(s.priority), clones: slices.Clone(s.clones)}
}

// order returns the options, with those of cloned pathways, by the priority of their pathways; those of pathways that are
// not named come last.
func (s *steering) order(list []option) []option {
	known := map[string]bool{}
	for _, o := range list {
		known[o.pathway] = true
	}
	for _, c := range s.clones {
		if known[c.ID] || len(list) > playlist.MaxVariants {
			continue // rfc8216bis section 7.3: its ID is its own
		}
		known[c.ID] = true
		for _, o := range list[:len(list):len(list)] {
			if o.pathway == cmp.Or(c.Base, ".") {
				list = append(list, c.apply(o))
			}
		}
	}
	if len(s.priority) == 0 {
		return list
	}
	place := func(o option) int {
		if i := slices.Index(s.priority, o.pathway); i >= 0 {
			return i
		}
		return len(s.priority)
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b option) int { return cmp.Compare(place(a), place(b)) })
	return list
}

// apply returns the clone's counterpart of an option.
func (c *pathwayClone) apply(o option) option {
	o.pathway = c.ID
	u := *o.url
	if own, err := o.url.Parse(c.Replacement.PerVariant[o.variant.StableID]); err == nil && o.variant.StableID != "" && own.String() != o.url.String() {
		o.url = own
		return o
	}
	if c.Replacement.Host != "" {
		u.Host = c.Replacement.Host
	}
	if len(c.Replacement.Params) > 0 {
		q := u.Query()
		for k, v := range c.Replacement.Params {
			q.Set(k, v)
		}
		u.RawQuery = q.Encode()
	}
	o.url = &u
	return o
}

// consultSteering takes up what the steering server said, and asks it again when that is due, in the background. It
// reports whether another pathway is to be used than now.
func (f *Follower) consultSteering(ctx context.Context) (elsewhere bool) {
	s := &f.steering
	select {
	case m := <-s.found:
		s.found = nil
		if m.err != nil {
			f.steeringFailed(m.err)
			break
		}
		elsewhere = s.take(m) && f.feed != nil && len(s.priority) > 0 && s.priority[0] != f.feed.pathway
	default:
	}
	if s.server == nil || s.found != nil || f.Recording || time.Now().Before(s.at) || f.feed == nil {
		return elsewhere
	}
	u := *s.reload
	q := u.Query()
	q.Set("_HLS_pathway", f.feed.pathway)
	u.RawQuery = q.Encode()
	found := make(chan *manifest, 1)
	s.found = found
	f.spawn(func() { found <- loadManifest(ctx, f.Getter, &u) })
	return elsewhere
}

// take notes what a manifest says; it reports whether that changes the order of pathways.
func (s *steering) take(m *manifest) (changed bool) {
	ttl := usualTTL
	if m.TTL > 0 {
		ttl = min(max(time.Duration(min(m.TTL, maxTTL.Seconds())*float64(time.Second)), minTTL), maxTTL)
	}
	s.at = time.Now().Add(ttl)
	if u, err := s.server.Parse(m.Reload); err == nil && m.Reload != "" {
		s.reload = u
	}
	changed = !slices.Equal(s.priority, m.Priority)
	s.priority, s.clones = m.Priority, m.Clones[:min(len(m.Clones), maxClones)]
	return changed
}

// steeringFailed puts the next load off: for good where the server says that it is gone (rfc8216bis section 7.1).
func (f *Follower) steeringFailed(err error) {
	s := &f.steering
	wait := usualTTL
	if status, ok := errors.AsType[*fetch.StatusError](err); ok {
		if status.Code == http.StatusGone {
			wait = 100 * 24 * time.Hour
		}
		wait = max(wait, status.RetryAfter)
	}
	s.at = time.Now().Add(wait)
	f.fault(Fault{Kind: FaultPlaylist, URL: fetch.Redact(s.server.String()), Err: fmt.Errorf("load steering manifest: %w", err)})
}

func loadManifest(ctx context.Context, getter fetch.Getter, u *url.URL) *manifest {
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	m := new(manifest)
	answer, err := getter.Get(ctx, fetch.Request{URL: u, Limit: maxManifest})
	if err == nil {
		if err = json.Unmarshal(answer.Body, m); err != nil {
			err = errors.New("it is no JSON object of a steering manifest")
		} else if m.Version != 1 {
			err = fmt.Errorf("its version is %d in place of 1", m.Version)
		}
	}
	m.err = err
	return m
}
