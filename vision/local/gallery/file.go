package gallery

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// The format of a person's file is described in docs/formats.md.
const (
	fileFormat = 1
	suffix     = ".json"
	lockFile   = ".lock"
	newMark    = ".new-"
	mostBytes  = 16 << 20 // of one file; a face of 128 numbers takes 900 bytes
)

type fileRecord struct {
	Format int          `json:"format"`
	ID     string       `json:"id"`
	Name   string       `json:"name"`
	URLs   []string     `json:"urls,omitempty"`
	Faces  []faceRecord `json:"faces"`
}

type faceRecord struct {
	Model     string  `json:"model"`
	Version   string  `json:"version"`
	Photo     string  `json:"photo,omitempty"`
	Embedding numbers `json:"embedding"`
}

// numbers are float32, little-endian, in base64.
type numbers []float32

// raw returns their bytes.
func (n numbers) raw() []byte {
	b := make([]byte, 0, 4*len(n))
	for _, x := range n {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// MarshalText implements encoding.TextMarshaler.
func (n numbers) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, n.raw()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *numbers) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return err
	}
	if len(raw)%4 != 0 {
		return fmt.Errorf("%d bytes are not whole numbers of 4", len(raw))
	}
	*n = make(numbers, 0, len(raw)/4)
	for b := range slices.Chunk(raw, 4) {
		*n = append(*n, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return nil
}

func fileName(id string) string { return id + suffix }

// encode returns the bytes of a person's file.
func encode(p Person) ([]byte, error) {
	r := fileRecord{Format: fileFormat, ID: p.ID, Name: p.Name, URLs: p.URLs}
	for _, f := range p.Faces {
		r.Faces = append(r.Faces, faceRecord{f.Model, f.Version, f.Photo, f.Embedding})
	}
	text, err := json.MarshalIndent(r, "", " ")
	return append(text, '\n'), err
}

// decode reads the bytes of a person's file.
func decode(text []byte) (Person, error) {
	// A higher format may have other keys, so the format comes first.
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return Person{}, err
	}
	if head.Format != fileFormat {
		return Person{}, fmt.Errorf("it has format %d, this version reads %d: use the version that wrote it", head.Format, fileFormat)
	}
	var r fileRecord
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Person{}, err
	}
	p := Person{ID: r.ID, Name: r.Name, URLs: r.URLs}
	for _, f := range r.Faces {
		p.Faces = append(p.Faces, Face{f.Model, f.Version, f.Photo, f.Embedding})
	}
	if p.ID == "" {
		return Person{}, errors.New("it has no id")
	}
	return p, check(&p)
}

// file is one file of the folder, as last read.
type file struct {
	info   fs.FileInfo
	person Person
	err    error // why it names nobody
}

// same reports whether a file was not replaced or changed since.
func (f *file) same(info fs.FileInfo) bool {
	return os.SameFile(f.info, info) && f.info.Size() == info.Size() && f.info.ModTime().Equal(info.ModTime())
}

// readFolder returns the people's files of a folder by name, read anew where they differ from old.
func readFolder(dir string, old map[string]*file) (files map[string]*file, changed bool, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	files = make(map[string]*file, len(entries))
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || !strings.HasSuffix(name, suffix) {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			return nil, false, err
		}
		if f := old[name]; f != nil && f.same(info) {
			files[name] = f
			continue
		}
		f := &file{info: info}
		f.person, f.err = readPerson(filepath.Join(dir, name))
		files[name], changed = f, true
	}
	return files, changed || !maps.EqualFunc(files, old, func(a, b *file) bool { return a == b }), nil
}

// readPerson reads one file.
func readPerson(path string) (Person, error) {
	f, err := os.Open(path)
	if err != nil {
		return Person{}, fmt.Errorf("%w: give this user the right to read it", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return Person{}, err
	}
	if len(text) > mostBytes {
		return Person{}, fmt.Errorf("%s is no file of the gallery: it is larger than %d MiB: move it away", path, mostBytes>>20)
	}
	p, err := decode(text)
	if err == nil && fileName(p.ID) != filepath.Base(path) {
		err = fmt.Errorf("it is of the id %q", p.ID)
	}
	if err != nil {
		return Person{}, fmt.Errorf("%s cannot be used: %w: restore it, or remove it and enrol the person again", path, err)
	}
	return p, nil
}

// writePerson writes a person's file in one step and makes it durable.
func writePerson(dir string, p Person) error {
	text, err := encode(p)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, fileName(p.ID)), text)
}

// writeFile puts a file of mode 0600 in its place in one step, and makes it durable.
func writeFile(path string, text []byte) (err error) {
	dir, name := filepath.Split(path)
	f, err := os.CreateTemp(dir, "."+name+newMark+"*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close(), giveTo(f.Name(), dir)); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

// makeFolder makes the gallery's folder for its parent's owner alone.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%w: give this user the right to write there", err)
	}
	return giveTo(dir, filepath.Dir(dir))
}

// giveTo gives what root made to the owner of the folder it is in, or the box, which does not run as root, could not
// read it.
func giveTo(path, folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 {
		return os.Lchown(path, int(s.Uid), int(s.Gid))
	}
	return nil
}

// lockFolder keeps other processes from changing the folder until unlock.
func lockFolder(dir string) (unlock func(), err error) {
	return lock(filepath.Join(dir, lockFile))
}

// lock keeps other processes that lock the same file out until unlock.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: give this user the right to write there", err)
	}
	err = giveTo(path, filepath.Dir(path))
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return func() { f.Close() }, nil // which unlocks it
}

// syncFolder makes a change of the folder's entries durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
