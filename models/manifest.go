// Package models owns the model files on disk: which ones Spotter knows, where they come from, under which licence
// and with which hash, and how they are fetched and verified. It is plain Go.
package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Purpose is what a model is used for; the configuration names at most one model for each.
type Purpose string

// The purposes, as their keys under vision.local in the configuration are called.
const (
	Objects    Purpose = "objects"
	Faces      Purpose = "faces"
	Identities Purpose = "identities"
)

// Model is one model file that Spotter knows.
type Model struct {
	// Name is how the configuration and the command line call it, such as "yolox-nano".
	Name string
	// Version is that of the release, or the month in the file's name, as its authors give it.
	Version string
	// Purpose says what it is used for.
	Purpose Purpose
	// File is its name upstream, in a mirror and on disk.
	File string
	// URL is where its authors publish it; empty when it can only come from a mirror.
	URL string
	// SHA256 is the hash of the file, in lower-case hexadecimal.
	SHA256 string
	// Bytes is the size of the file.
	Bytes int64
	// Licence is the SPDX identifier under which the authors publish the weights.
	Licence string
	// Input is the shape of its only input: pictures, channels, height and width in pixels.
	Input [4]int
	// Gives says in a few words what it finds.
	Gives string
	// Training says which data it was trained on and what to mind about that.
	Training string
	// Match is, for identities, the cosine from which two faces are of one person, as the authors or a measurement say;
	// 0 for the others.
	Match float64
	// Cleared is false for a model whose training data does not allow commercial use: it is for tests only, and off
	// until somebody names it.
	Cleared bool
}

var (
	// ErrUnknown is returned for a name that is not in the manifest.
	ErrUnknown = errors.New("no such model")
	// ErrMissing is wrapped when a model's file is not on disk.
	ErrMissing = errors.New("missing")
	// ErrAltered is wrapped when a file is not, byte for byte, the one that the manifest names.
	ErrAltered = errors.New("not the published file")
	// ErrNoSource is wrapped when a model has no public address and no mirror was given.
	ErrNoSource = errors.New("has no public address")
	// ErrUnreachable is wrapped when a download's server cannot be spoken to: no network, no such host, or a certificate
	// that this machine does not trust.
	ErrUnreachable = errors.New("cannot be reached")
	// ErrBusy is wrapped when another process downloads the same file to the same folder.
	ErrBusy = errors.New("another download of it is under way")
)

// Find returns the model of the given name; its error wraps ErrUnknown and lists the names there are.
func Find(name string) (Model, error) {
	var names []string
	for _, m := range All() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Model{}, fmt.Errorf("%w: %q (there are %s)", ErrUnknown, name, strings.Join(names, ", "))
}

// Path returns where the file of m is kept under the models' folder dir.
func Path(dir string, m Model) string { return filepath.Join(dir, m.File) }

// Verify reads the whole file of m under dir and compares it with the manifest. The error wraps ErrMissing or
// ErrAltered and says how to mend it, or is that of reading the file.
func Verify(dir string, m Model) error {
	name := Path(dir, m)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is %w: run `spotter models pull %s`", name, ErrMissing, m.Name)
	}
	if err != nil {
		return fmt.Errorf("verify model: %w", err)
	}
	defer f.Close()
	switch same, err := published(f, m); {
	case err != nil:
		return fmt.Errorf("verify model: %w", err)
	case !same:
		return fmt.Errorf("%s is %w: run `spotter models pull %s` to replace it", name, ErrAltered, m.Name)
	}
	return nil
}

// published reports whether f, read from its beginning, is the file of m.
func published(f *os.File, m Model) (bool, error) {
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() != m.Bytes {
		return false, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return false, err
	}
	return hex.EncodeToString(h.Sum(nil)) == m.SHA256, nil
}
