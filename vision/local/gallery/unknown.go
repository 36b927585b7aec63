package gallery

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"sync"
	"time"

	"spotter/timeline"
)

// mostUnknown is how many looks at unknown faces are kept at most: some 6 MB of 128 numbers each.
const mostUnknown = 10_000

// Sighting is where an unknown face was seen.
type Sighting struct {
	Media    string
	Position timeline.Position
	At       time.Time // by the clock on the wall
}

// Unknown is one face without a name.
type Unknown struct {
	// ID is given by Unknowns, and never twice while the file is there.
	ID string
	// Sightings is where it was seen, the oldest first.
	Sightings []Sighting
	// Embeddings are those of the sightings, one each, of length one.
	Embeddings [][]float32
}

// Unknowns remembers faces that nobody could name, so that a name given later can still reach what was observed: a
// bounded number, for a limited time, in memory and in a file. It may be used from several goroutines, and several
// processes may have the same file: what one forgets, the others forget when they look at the file.
type Unknowns struct {
	path  string
	model Model
	keep  time.Duration

	file sync.Mutex  // held while the file is looked at; never asked for by who holds mu
	info fs.FileInfo // of the file as last read or written, nil where there is none

	mu      sync.Mutex
	faces   []unknownFace // the oldest first
	next    int           // number of the next id
	fresh   map[string]bool
	since   map[string]timeline.Position
	changed bool // memory and file differ
}

type unknownFace struct {
	ID        string            `json:"id"`
	Media     string            `json:"media"`
	Position  timeline.Position `json:"position"`
	At        time.Time         `json:"at"`
	Embedding numbers           `json:"embedding"`

	saved bool
}

func (f *unknownFace) sighting() Sighting { return Sighting{f.Media, f.Position, f.At} }

// Add remembers a look at a face that nobody could name, and returns the id of whom it is: an unknown person met
// before, by the model's threshold, or a new one. Save puts it into the file.
func (u *Unknowns) Add(media string, at timeline.Position, embedding []float32) (id string, err error) {
	if err := checkEmbedding(embedding); err != nil {
		return "", fmt.Errorf("remember unknown face: %w", err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now().UTC().Round(0)
	u.expire(now, mostUnknown-1)
	id, ok := u.find(embedding)
	if !ok {
		id = "unknown-" + strconv.Itoa(u.next)
		u.next++
		u.fresh[id] = true
	}
	u.faces = append(u.faces, unknownFace{ID: id, Media: media, Position: at, At: now, Embedding: unit(embedding)})
	if first, ok := u.since[media]; !ok || at < first {
		u.since[media] = at
	}
	u.changed = true
	return id, nil
}

// find returns the id of the unknown person whom a face belongs to.
func (u *Unknowns) find(embedding []float32) (id string, ok bool) {
	length := norm(embedding)
	most := u.model.Threshold
	for i := range u.faces {
		f := &u.faces[i]
		if len(f.Embedding) != len(embedding) {
			continue
		}
		if s := dot(f.Embedding, embedding) / length; s >= most {
			id, most, ok = f.ID, s, true
		}
	}
	return id, ok
}

// expire drops what is too old, and the oldest of more than most.
func (u *Unknowns) expire(now time.Time, most int) {
	n := max(0, len(u.faces)-most)
	for n < len(u.faces) && now.Sub(u.faces[n].At) > u.keep {
		n++
	}
	if n == 0 {
		return
	}
	clear(u.faces[:n]) // nobody's face stays behind in memory
	u.faces = u.faces[n:]
	u.dropped()
}

// dropped is to be called after faces were taken out.
func (u *Unknowns) dropped() {
	u.changed = true
	clear(u.since)
	for i := range u.faces {
		f := &u.faces[i]
		if first, ok := u.since[f.Media]; !ok || f.Position < first {
			u.since[f.Media] = f.Position
		}
	}
}

// Since returns the first position of a media at which an unknown face was seen that is kept: from there on what was
// observed may still get a name.
func (u *Unknowns) Since(media string) (timeline.Position, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	p, ok := u.since[media]
	return p, ok
}

// Len returns how many looks at unknown faces are kept.
func (u *Unknowns) Len() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.faces)
}

// List returns everyone unknown, who was seen most often first.
func (u *Unknowns) List() []Unknown {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.expire(time.Now(), mostUnknown)
	index := map[string]int{}
	var list []Unknown
	for i := range u.faces {
		f := &u.faces[i]
		n, ok := index[f.ID]
		if !ok {
			n = len(list)
			index[f.ID] = n
			list = append(list, Unknown{ID: f.ID})
		}
		list[n].Sightings = append(list[n].Sightings, f.sighting())
		list[n].Embeddings = append(list[n].Embeddings, slices.Clone(f.Embedding))
	}
	slices.SortStableFunc(list, func(a, b Unknown) int { return cmp.Compare(len(b.Sightings), len(a.Sightings)) })
	return list
}

// Find returns the unknown person of an id. The error wraps ErrNobody.
func (u *Unknowns) Find(id string) (Unknown, error) {
	list := u.List()
	i := slices.IndexFunc(list, func(p Unknown) bool { return p.ID == id })
	if i < 0 {
		return Unknown{}, nobody(id)
	}
	return list[i], nil
}

func nobody(id string) error {
	return fmt.Errorf("%q %w of unknown faces: it was named, forgotten, or seen too long ago", id, ErrNobody)
}

// Forget takes the unknown people of the given ids out of memory and file. Where there is none of an id nobody is
// forgotten, and the error wraps ErrNobody.
func (u *Unknowns) Forget(ids ...string) error {
	err := u.exchange(func() error {
		for _, id := range ids {
			if !slices.ContainsFunc(u.faces, func(f unknownFace) bool { return f.ID == id }) {
				return nobody(id)
			}
		}
		u.drop(func(f *unknownFace) bool { return slices.Contains(ids, f.ID) })
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget unknown faces: %w", err)
	}
	return nil
}

// drop takes out those that gone says. The caller holds u.mu.
func (u *Unknowns) drop(gone func(f *unknownFace) bool) {
	u.faces = slices.DeleteFunc(u.faces, func(f unknownFace) bool { return gone(&f) })
	u.dropped()
}
