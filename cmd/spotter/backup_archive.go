package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	manifestName   = "manifest.json"
	manifestFormat = 1
	maxManifest    = 64 << 20
)

// errBackup is returned for a backup that is cut short, damaged or none.
var errBackup = errors.New("not a whole backup of spotter")

// manifest is what a backup says of itself; it comes last.
type manifest struct {
	Format  int            `json:"format"`
	Version string         `json:"version"` // of the spotter that made it
	Made    time.Time      `json:"made"`
	Files   []manifestFile `json:"files"`
}

type manifestFile struct {
	Name   string `json:"name"` // with slashes, below data_dir
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// archiver writes a backup: a tar (POSIX.1-2001) of files and their manifest.
type archiver struct {
	tar      *tar.Writer
	manifest manifest
}

func newArchiver(w io.Writer) *archiver {
	return &archiver{tar.NewWriter(w), manifest{Format: manifestFormat, Version: version(), Made: time.Now().UTC().Truncate(time.Second), Files: []manifestFile{}}}
}

// begin begins a file of so many bytes; end must follow once they are written to w.
func (a *archiver) begin(name string, size int64) (w io.Writer, end func(), err error) {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: a.manifest.Made, Format: tar.FormatPAX}
	if err := a.tar.WriteHeader(h); err != nil {
		return nil, nil, err
	}
	sum := sha256.New()
	end = func() {
		a.manifest.Files = append(a.manifest.Files, manifestFile{name, size, hex.EncodeToString(sum.Sum(nil))})
	}
	return io.MultiWriter(a.tar, sum), end, nil
}

// snapshot adds what a database copies of itself.
func (a *archiver) snapshot(name string, of func(begin func(size int64) (io.Writer, error)) error) error {
	done := func() {}
	err := of(func(size int64) (w io.Writer, err error) {
		w, done, err = a.begin(name, size)
		return w, err
	})
	if err == nil {
		done()
	}
	return err
}

// copy adds size bytes of r.
func (a *archiver) copy(name string, r io.Reader, size int64) error {
	w, end, err := a.begin(name, size)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(w, r, size); err != nil {
		return fmt.Errorf("back up %s: %w", name, err)
	}
	end()
	return nil
}

// close writes the manifest.
func (a *archiver) close() error {
	text, err := json.MarshalIndent(a.manifest, "", " ")
	if err != nil {
		return err
	}
	w, _, err := a.begin(manifestName, int64(len(text)))
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	return a.tar.Close()
}

// readArchive reads a backup to its end, lets each take what is in it, and checks all against the manifest. Until it returns nil
// nothing of that may be used.
func readArchive(r io.Reader, each func(name string, content io.Reader) error) (manifest, error) {
	t := tar.NewReader(r)
	var found []manifestFile
	for {
		h, err := t.Next()
		if err != nil {
			return manifest{}, fmt.Errorf("%w: it ends before its manifest: %w", errBackup, err)
		}
		if h.Name == manifestName {
			m, err := readManifest(t, found)
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			return m, err
		}
		if h.Typeflag != tar.TypeReg || !backupName(h.Name) {
			return manifest{}, fmt.Errorf("%w: it has %q", errBackup, h.Name)
		}
		sum := sha256.New()
		if err := each(h.Name, &summing{t, sum}); errors.Is(err, io.ErrUnexpectedEOF) {
			return manifest{}, fmt.Errorf("%w: it ends in %s", errBackup, h.Name)
		} else if err != nil {
			return manifest{}, err
		}
		if _, err := io.Copy(sum, t); err != nil { // what each left
			return manifest{}, fmt.Errorf("%w: %w", errBackup, err)
		}
		found = append(found, manifestFile{h.Name, h.Size, hex.EncodeToString(sum.Sum(nil))})
	}
}

// summing is a reader that sums up what it reads.
type summing struct {
	r   io.Reader
	sum hash.Hash
}

func (s *summing) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum.Write(p[:n])
	return n, err
}

func readManifest(r io.Reader, found []manifestFile) (m manifest, err error) {
	if err := json.NewDecoder(io.LimitReader(r, maxManifest)).Decode(&m); err != nil {
		return m, fmt.Errorf("%w: its manifest: %w", errBackup, err)
	}
	switch {
	case m.Format > manifestFormat:
		return m, fmt.Errorf("the backup was made by spotter %s in format %d, this one reads up to %d: install that version", m.Version, m.Format, manifestFormat)
	case m.Format < 1:
		return m, fmt.Errorf("%w: format %d", errBackup, m.Format)
	case !slices.Equal(m.Files, found):
		return m, fmt.Errorf("%w: its files are not those of its manifest, or were changed", errBackup)
	}
	return m, nil
}

// backupName reports whether a backup may have a file of that name. Nothing outside data_dir can be named.
func backupName(name string) bool {
	if !fs.ValidPath(name) || strings.ContainsRune(name, '\\') {
		return false
	}
	dir, file := path.Split(name)
	switch dir {
	case "":
		return file == databaseFile || file == engagementFile || isEngagementLog(file)
	case galleryFolder + "/":
		return isGalleryFile(file)
	}
	return false
}
