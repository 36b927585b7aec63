package gallery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"spotter/timeline"
)

// unknownsFormat is that of the file, see docs/formats.md.
const unknownsFormat = 1

type unknownsRecord struct {
	Format  int           `json:"format"`
	Model   string        `json:"model"`
	Version string        `json:"version"`
	Next    int           `json:"next"`
	Faces   []unknownFace `json:"faces"`
}

// OpenUnknowns returns a memory of faces that m made the embeddings of, each kept for the given time. It begins with
// what is in the file, as far as that is of the same model and not too old; there may be no file.
func OpenUnknowns(path string, m Model, keep time.Duration) (*Unknowns, error) {
	u := &Unknowns{path: path, model: m, keep: keep, next: 1, fresh: map[string]bool{}, since: map[string]timeline.Position{}}
	u.file.Lock()
	defer u.file.Unlock()
	if err := u.takeOver(); err != nil {
		return nil, fmt.Errorf("open unknown faces: %w", err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.expire(time.Now(), mostUnknown)
	return u, nil
}

func readUnknowns(path string) (r unknownsRecord, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w: remove it to begin anew", path, err)
	}
	if r.Format != unknownsFormat {
		return r, fmt.Errorf("%s has format %d, this version reads %d: remove it to begin anew", path, r.Format, unknownsFormat)
	}
	return r, nil
}

// Save writes what has changed to the file, and takes over what other processes have changed there. A face that is
// too old is not in the file any more.
func (u *Unknowns) Save() error {
	if err := u.exchange(func() error { return nil }); err != nil {
		return fmt.Errorf("save unknown faces: %w", err)
	}
	return nil
}

// Refresh takes over what other processes have changed in the file. Where nothing was, that is a look at its time.
func (u *Unknowns) Refresh() error {
	u.file.Lock()
	info, err := os.Stat(u.path)
	same := err == nil && u.asLeft(info)
	u.file.Unlock()
	if same {
		return nil
	}
	return u.Save()
}

// asLeft reports whether the file is as this process last saw it. The caller holds u.file.
func (u *Unknowns) asLeft(info fs.FileInfo) bool {
	return u.info != nil && (&file{info: u.info}).same(info)
}

// exchange lets change do its part on what memory and file have together, and writes the file where it is to be
// another. No other process touches the file meanwhile. An error of change leaves the file as it is.
func (u *Unknowns) exchange(change func() error) error {
	u.file.Lock()
	defer u.file.Unlock()
	unlock, err := lockUnknowns(u.path)
	if err != nil {
		return err
	}
	defer unlock()
	if err := u.takeOver(); err != nil {
		return err
	}
	u.mu.Lock()
	if err := change(); err != nil {
		u.mu.Unlock()
		return err
	}
	u.expire(time.Now(), mostUnknown)
	if !u.changed && u.info != nil {
		u.mu.Unlock()
		return nil
	}
	r := unknownsRecord{unknownsFormat, u.model.Name, u.model.Version, u.next, slices.Clone(u.faces)}
	for i := range u.faces {
		u.faces[i].saved = true
	}
	clear(u.fresh)
	u.changed = false
	u.mu.Unlock()

	if err = u.write(r); err != nil {
		u.mu.Lock()
		u.changed = true
		u.mu.Unlock()
	}
	return err
}

// takeOver brings memory to what the file says, if that has changed: what was saved and is not there any more has been
// forgotten, and where the whole file is gone everything has. The caller holds u.file.
func (u *Unknowns) takeOver() error {
	info, err := os.Stat(u.path)
	if errors.Is(err, fs.ErrNotExist) {
		if u.info != nil {
			u.mu.Lock()
			clear(u.faces)
			u.drop(func(*unknownFace) bool { return true })
			u.mu.Unlock()
		}
		u.info = nil
		return nil
	}
	if err != nil {
		return err
	}
	if u.asLeft(info) {
		return nil
	}
	r, err := readUnknowns(u.path)
	if err != nil {
		return err
	}
	u.merge(r)
	u.info = info
	return nil
}

// merge puts what was read in the place of what was saved. Looks that were not saved yet stay, but for those at
// somebody whom the file had and has no more.
func (u *Unknowns) merge(r unknownsRecord) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.next = max(u.next, r.Next)
	var faces []unknownFace
	known := map[string]bool{}
	if r.Model == u.model.Name && r.Version == u.model.Version {
		for _, f := range r.Faces {
			if checkEmbedding(f.Embedding) == nil {
				f.Embedding, f.saved = unit(f.Embedding), true
				faces, known[f.ID] = append(faces, f), true
			}
		}
	}
	for _, f := range u.faces {
		if !f.saved && (known[f.ID] || u.fresh[f.ID]) {
			faces = append(faces, f)
		}
	}
	unsaved := u.changed
	clear(u.faces)
	u.faces = faces
	u.dropped()
	u.changed = unsaved
}

// write writes the file. The caller holds u.file and the lock.
func (u *Unknowns) write(r unknownsRecord) error {
	if err := sweep(u.path); err != nil {
		return err
	}
	var text bytes.Buffer
	err := json.NewEncoder(&text).Encode(r)
	if err == nil {
		err = writeFile(u.path, text.Bytes())
	}
	if err == nil {
		u.info, err = os.Stat(u.path)
	}
	return err
}

func lockUnknowns(path string) (unlock func(), err error) {
	dir, name := filepath.Split(path)
	return lock(dir + "." + name + lockFile)
}

// sweep removes what a writer that was killed left behind. The caller holds the lock.
func sweep(path string) error {
	dir, name := filepath.Split(path)
	left, err := filepath.Glob(dir + "." + name + newMark + "*")
	if err != nil {
		return err
	}
	for _, l := range left {
		err = errors.Join(err, os.Remove(l))
	}
	return err
}

// EraseUnknowns forgets all unknown faces: it removes the file, whatever is in it. An Unknowns that has it open
// forgets them when it next looks.
func EraseUnknowns(path string) error {
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	unlock, err := lockUnknowns(path)
	if err == nil {
		defer unlock()
		err = sweep(path)
		if gone := os.Remove(path); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("erase unknown faces: %w", err)
	}
	return nil
}
