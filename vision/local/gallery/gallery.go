// Package gallery owns the people whom the local models can name: their face embeddings on disk, whom a face belongs
// to, and, where asked to, the faces that nobody has named yet. It is plain Go.
package gallery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrNobody is wrapped when nobody in the gallery has the name or id asked for.
	ErrNobody = errors.New("is not in the gallery")
	// ErrAmbiguous is wrapped when several people have the name asked for.
	ErrAmbiguous = errors.New("is the name of several people")
	// ErrPerson is wrapped when a person cannot be enrolled as described: the name, the id, an address, an embedding.
	ErrPerson = errors.New("cannot be enrolled")
)

// Model is the identity network whose embeddings are compared. Those of another name or version are not comparable.
type Model struct {
	Name    string
	Version string
	// Threshold is the cosine similarity, above 0 and below 1, from which two faces are one person.
	Threshold float64
}

// Face is what is kept of one photo.
type Face struct {
	// Model and Version say which network made the embedding.
	Model, Version string
	// Photo is the SHA-256 of the photo's file in hexadecimal, or, of a face that came from a stream, of its embedding.
	// The photo itself is not kept.
	Photo string
	// Embedding may have any length but zero.
	Embedding []float32
}

// Person is one enrolled person.
type Person struct {
	// ID is unique in the gallery: letters, digits, dots, dashes and underscores, at most 64 bytes.
	ID string
	// Name is what viewers see.
	Name string
	// URLs are where to read more.
	URLs []string
	// Faces is at least one; further ones make the person easier to recognise.
	Faces []Face
}

// Uses returns how many of the person's faces were made by m.
func (p *Person) Uses(m Model) int {
	n := 0
	for i := range p.Faces {
		if p.Faces[i].of(m) {
			n++
		}
	}
	return n
}

// Has reports whether the person's face on a photo, by its SHA-256, is there for m.
func (p *Person) Has(photo string, m Model) bool {
	return slices.ContainsFunc(p.Faces, func(f Face) bool { return f.of(m) && f.Photo == photo })
}

func (f *Face) of(m Model) bool { return f.Model == m.Name && f.Version == m.Version }

// Gallery is a folder of people. It may be used from several goroutines, and several processes may change the folder.
type Gallery struct {
	dir    string
	model  Model
	opened time.Time

	now     atomic.Pointer[snapshot]
	due     atomic.Int64 // when the folder is to be looked at again, in nanoseconds after opened
	reading sync.Mutex   // held to replace now
}

// lookInterval is how old, at most, what Name knows of the folder is. A look at a folder of a thousand people takes a millisecond.
const lookInterval = time.Second

// Open reads the people in dir, where a folder that is not there is an empty gallery; Add makes it. A file that cannot
// be used is left out, and Unused tells of it.
func Open(dir string, m Model) (*Gallery, error) {
	g := &Gallery{dir: dir, model: m, opened: time.Now()}
	g.now.Store(newSnapshot(nil, m))
	if err := g.reload(); err != nil {
		return nil, err
	}
	return g, nil
}

// Model returns the model that the gallery was opened for.
func (g *Gallery) Model() Model { return g.model }

// refresh reads what has changed in the folder, if the last look is lookInterval ago and nobody else is at it. What
// cannot be read leaves what is known as it is.
func (g *Gallery) refresh() {
	now, due := int64(time.Since(g.opened)), g.due.Load()
	if now < due || !g.due.CompareAndSwap(due, now+int64(lookInterval)) {
		return
	}
	if err := g.reload(); err != nil {
		g.reading.Lock()
		old := g.now.Load()
		g.now.Store(&snapshot{files: old.files, people: old.people, rows: old.rows, unused: []error{err}, version: old.version})
		g.reading.Unlock()
	}
}

// reload reads what has changed in the folder.
func (g *Gallery) reload() error {
	g.reading.Lock()
	defer g.reading.Unlock()
	g.due.Store(int64(time.Since(g.opened) + lookInterval))
	old := g.now.Load()
	files, changed, err := readFolder(g.dir, old.files)
	if err != nil {
		return fmt.Errorf("read gallery: %w", err)
	}
	if changed || len(old.unused) > 0 {
		s := newSnapshot(files, g.model)
		if s.version = old.version; changed {
			s.version++
		}
		g.now.Store(s)
	}
	return nil
}

// Version returns a number that rises when anything in the folder has changed. A change counts within a second.
func (g *Gallery) Version() uint64 {
	g.refresh()
	return g.now.Load().version
}

// List returns all people, by name. What they consist of must not be changed.
func (g *Gallery) List() []Person {
	g.refresh()
	return slices.Clone(g.now.Load().people)
}

// Find returns the person of the given id or, in any letter case, name. The error wraps ErrNobody or ErrAmbiguous.
func (g *Gallery) Find(nameOrID string) (Person, error) {
	g.refresh()
	return find(g.now.Load().people, nameOrID)
}

func find(people []Person, nameOrID string) (Person, error) {
	if i := byID(people, nameOrID); i >= 0 {
		return people[i], nil
	}
	return byName(people, nameOrID)
}

// byID returns the index of the person of an id, or -1.
func byID(people []Person, id string) int {
	return slices.IndexFunc(people, func(p Person) bool { return p.ID == id })
}

// byName returns the one person of a name.
func byName(people []Person, name string) (Person, error) {
	var found []Person
	var ids []string
	for _, p := range people {
		if strings.EqualFold(p.Name, name) {
			found, ids = append(found, p), append(ids, p.ID)
		}
	}
	switch len(found) {
	case 0:
		return Person{}, fmt.Errorf("%q %w", name, ErrNobody)
	case 1:
		return found[0], nil
	}
	return Person{}, fmt.Errorf("%q %w: say which by id, one of %s", name, ErrAmbiguous, strings.Join(ids, ", "))
}

// Unused tells what in the folder names nobody, and how to mend it: files that cannot be read, and people of whom
// there are only embeddings of another model. These are kept, for embeddings of two models cannot be compared.
func (g *Gallery) Unused() []error {
	g.refresh()
	return slices.Clone(g.now.Load().unused)
}

// Add enrols a person, or adds faces and URLs to one who is there: the one of the same ID or, where ID is empty, of the
// same name in any letter case. An empty ID of a new person becomes one made of the name. A face that is there already,
// by its photo and model, is not added again. Add returns the person as kept on disk; when it returns, that is
// durable. The error wraps ErrPerson or ErrAmbiguous where p cannot be enrolled.
func (g *Gallery) Add(p Person) (Person, error) {
	if err := check(&p); err != nil {
		return Person{}, fmt.Errorf("add to gallery: %w", err)
	}
	err := g.change(func(people []Person) error {
		var err error
		if p, err = merge(people, p); err != nil {
			return err
		}
		return writePerson(g.dir, p)
	})
	if err != nil {
		return Person{}, fmt.Errorf("add to gallery: %w", err)
	}
	return p, nil
}

// merge returns p with what the gallery has of the person already.
func merge(people []Person, p Person) (Person, error) {
	var old Person
	if p.ID == "" {
		var err error
		if old, err = byName(people, p.Name); errors.Is(err, ErrNobody) {
			p.ID, err = newID(people, p.Name)
			return p, err
		} else if err != nil {
			return p, err
		}
	} else {
		i := byID(people, p.ID)
		if i < 0 {
			return p, nil
		}
		if old = people[i]; !strings.EqualFold(old.Name, p.Name) {
			return p, fmt.Errorf("%q %w: the id %s is %s: choose another id", p.Name, ErrPerson, old.ID, old.Name)
		}
	}
	old.URLs, old.Faces = slices.Clone(old.URLs), slices.Clone(old.Faces)
	for _, u := range p.URLs {
		if !slices.Contains(old.URLs, u) {
			old.URLs = append(old.URLs, u)
		}
	}
	for _, f := range p.Faces {
		if !old.Has(f.Photo, Model{Name: f.Model, Version: f.Version}) {
			old.Faces = append(old.Faces, f)
		}
	}
	return old, nil
}

// Remove takes the person of the given id or name, and all that is kept of their face, off the disk and returns who
// that was. The error wraps ErrNobody or ErrAmbiguous.
func (g *Gallery) Remove(nameOrID string) (Person, error) {
	return g.remove(func(people []Person) (Person, error) { return find(people, nameOrID) })
}

// RemoveID is Remove for an id alone: nobody of that name is taken for it. The error wraps ErrNobody.
func (g *Gallery) RemoveID(id string) (Person, error) {
	return g.remove(func(people []Person) (Person, error) {
		if i := byID(people, id); i >= 0 {
			return people[i], nil
		}
		return Person{}, fmt.Errorf("the id %q %w", id, ErrNobody)
	})
}

// remove removes the person whom who chooses.
func (g *Gallery) remove(who func(people []Person) (Person, error)) (gone Person, err error) {
	err = g.change(func(people []Person) error {
		var err error
		if gone, err = who(people); err != nil {
			return err
		}
		if err := os.Remove(filepath.Join(g.dir, fileName(gone.ID))); err != nil {
			return err
		}
		return syncFolder(g.dir)
	})
	if err != nil {
		return Person{}, fmt.Errorf("remove from gallery: %w", err)
	}
	return gone, nil
}

// change lets fn change the folder while no other process does, and shows it who is there now.
func (g *Gallery) change(fn func(people []Person) error) error {
	if _, err := os.Stat(g.dir); errors.Is(err, fs.ErrNotExist) {
		if err := makeFolder(g.dir); err != nil {
			return err
		}
	}
	unlock, err := lockFolder(g.dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := g.reload(); err != nil {
		return err
	}
	if err := fn(g.now.Load().people); err != nil {
		return err
	}
	return g.reload()
}
