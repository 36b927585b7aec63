package gallery

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"spotter/timeline"
)

// mostUnknown is how many looks at unknown faces are kept at most: some 6 MB of 128 numbers each.
const mostUnknown = 10_000

// unknownsFormat is that of the optional file, see docs/formats.md.
const unknownsFormat = 1

// Sighting is where an unknown face was seen.
type Sighting struct {
	Media    string
	Position timeline.Position
	At       time.Time // by the clock on the wall
}

// Unknown is one face without a name.
type Unknown struct {
	// ID is given by Unknowns and never used twice.
	ID string
	// Sightings is where it was seen, the oldest first.
	Sightings []Sighting
	// Embeddings are those of the sightings, one each, of length one.
	Embeddings [][]float32
}

// Unknowns remembers faces that nobody could name, so that a name given later can still reach what was observed: a
// bounded number, for a limited time, in memory and, where wanted, a file. Without one, nobody's face is kept. It may
// be used from several goroutines.
type Unknowns struct {
	model Model
	keep  time.Duration
	path  string

	mu    sync.Mutex
	faces []unknownFace // the oldest first
	next  int           // number of the next id
}

type unknownFace struct {
	ID        string            `json:"id"`
	Media     string            `json:"media"`
	Position  timeline.Position `json:"position"`
	At        time.Time         `json:"at"`
	Embedding numbers           `json:"embedding"`
}

type unknownsRecord struct {
	Format  int           `json:"format"`
	Model   string        `json:"model"`
	Version string        `json:"version"`
	Next    int           `json:"next"`
	Faces   []unknownFace `json:"faces"`
}

// OpenUnknowns returns a memory of faces that m made the embeddings of, each kept for the given time. Where path is not
// empty it begins with what Save left there, as far as that is of the same model and not too old.
func OpenUnknowns(path string, m Model, keep time.Duration) (*Unknowns, error) {
	u := &Unknowns{model: m, keep: keep, path: path, next: 1}
	if path == "" {
		return u, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return u, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open unknown faces: %w", err)
	}
	var r unknownsRecord
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("open unknown faces: %s: %w: remove it to begin anew", path, err)
	}
	if r.Format != unknownsFormat {
		return nil, fmt.Errorf("open unknown faces: %s has format %d, this version reads %d: remove it to begin anew", path, r.Format, unknownsFormat)
	}
	u.next = max(1, r.Next)
	if r.Model == m.Name && r.Version == m.Version {
		u.faces = slices.DeleteFunc(r.Faces, func(f unknownFace) bool { return checkEmbedding(f.Embedding) != nil })
	}
	for i := range u.faces {
		u.faces[i].Embedding = unit(u.faces[i].Embedding)
	}
	u.forget(time.Now(), mostUnknown)
	return u, nil
}

// Add remembers a look at a face that nobody could name, and returns the id of whom it is: an unknown person met
// before, by the model's threshold, or a new one.
func (u *Unknowns) Add(media string, at timeline.Position, embedding []float32) (id string, err error) {
	if err := checkEmbedding(embedding); err != nil {
		return "", fmt.Errorf("remember unknown face: %w", err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	u.forget(now, mostUnknown-1)
	id, ok := u.find(embedding)
	if !ok {
		id = "unknown-" + strconv.Itoa(u.next)
		u.next++
	}
	u.faces = append(u.faces, unknownFace{id, media, at, now.UTC(), unit(embedding)})
	return id, nil
}

// forget drops what is too old, and the oldest of more than most.
func (u *Unknowns) forget(now time.Time, most int) {
	n := max(0, len(u.faces)-most)
	for n < len(u.faces) && now.Sub(u.faces[n].At) > u.keep {
		n++
	}
	clear(u.faces[:n]) // nobody's face stays behind in memory
	u.faces = u.faces[n:]
}

// Find returns the id of the unknown person whom a face belongs to, by the model's threshold.
func (u *Unknowns) Find(embedding []float32) (id string, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forget(time.Now(), mostUnknown)
	return u.find(embedding)
}

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

// List returns everyone unknown, who was seen most often first.
func (u *Unknowns) List() []Unknown {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forget(time.Now(), mostUnknown)
	index := map[string]int{}
	var list []Unknown
	for _, f := range u.faces {
		i, ok := index[f.ID]
		if !ok {
			i = len(list)
			index[f.ID] = i
			list = append(list, Unknown{ID: f.ID})
		}
		list[i].add(f)
	}
	slices.SortStableFunc(list, func(a, b Unknown) int { return cmp.Compare(len(b.Sightings), len(a.Sightings)) })
	return list
}

func (p *Unknown) add(f unknownFace) {
	p.Sightings = append(p.Sightings, Sighting{f.Media, f.Position, f.At})
	p.Embeddings = append(p.Embeddings, slices.Clone(f.Embedding))
}

// Take forgets the unknown person of an id, who has got a name, and returns what was remembered: the embeddings to
// enrol and the places whose observations are to be updated. The error wraps ErrNobody.
func (u *Unknowns) Take(id string) (Unknown, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forget(time.Now(), mostUnknown)
	p := Unknown{ID: id}
	u.faces = slices.DeleteFunc(u.faces, func(f unknownFace) bool {
		if f.ID == id {
			p.add(f)
		}
		return f.ID == id
	})
	if len(p.Sightings) == 0 {
		return Unknown{}, fmt.Errorf("unknown face %q %w: it was named, erased, or seen too long ago", id, ErrNobody)
	}
	return p, nil
}

// Erase forgets everyone, and removes the file.
func (u *Unknowns) Erase() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	clear(u.faces)
	u.faces = nil
	if u.path == "" {
		return nil
	}
	if err := os.Remove(u.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("erase unknown faces: %w", err)
	}
	return nil
}

// Save writes all to the file, where there is to be one. A face that is too old or was taken is not in it any more.
func (u *Unknowns) Save() error {
	if u.path == "" {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.forget(time.Now(), mostUnknown)
	var text bytes.Buffer
	err := json.NewEncoder(&text).Encode(unknownsRecord{unknownsFormat, u.model.Name, u.model.Version, u.next, u.faces})
	if err == nil {
		err = writeFile(u.path, text.Bytes())
	}
	if err != nil {
		return fmt.Errorf("save unknown faces: %w", err)
	}
	return nil
}
