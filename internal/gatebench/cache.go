package gatebench

import (
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Cache is a folder of what takes long to make. What is in it is found by the content that it was made from.
type Cache struct{ dir string }

// OpenCache returns the cache in the user's cache folder.
func OpenCache() (*Cache, error) {
	root, err := os.UserCacheDir()
	if err != nil {
		root = os.TempDir()
	}
	return NewCache(filepath.Join(root, "spotter", "gatebench"))
}

// NewCache returns the cache in dir.
func NewCache(dir string) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	return &Cache{dir}, nil
}

// File returns the path of the file of that name, which make writes to the path it is given unless the file is there.
func (c *Cache) File(name string, make func(path string) error) (string, error) {
	path := filepath.Join(c.dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	partial := filepath.Join(c.dir, fmt.Sprintf("making-%d-%s", os.Getpid(), name))
	defer os.Remove(partial)
	if err := make(partial); err != nil {
		return "", fmt.Errorf("make %s: %w", name, err)
	}
	if err := os.Rename(partial, path); err != nil {
		return "", fmt.Errorf("make %s: %w", name, err)
	}
	return path, nil
}

// Bytes is File for what is read whole.
func (c *Cache) Bytes(name string, make func() ([]byte, error)) ([]byte, error) {
	path, err := c.File(name, func(path string) error {
		b, err := make()
		if err != nil {
			return err
		}
		return os.WriteFile(path, b, 0o644)
	})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Key names a content: the files' bytes and the words.
func Key(files []string, words ...string) (string, error) {
	h := sha256.New()
	for _, path := range files {
		if err := add(h, path); err != nil {
			return "", fmt.Errorf("hash %s: %w", path, err)
		}
	}
	for _, w := range words {
		fmt.Fprintf(h, "%q", w)
	}
	return hex.EncodeToString(h.Sum(nil)[:12]), nil
}

func add(h hash.Hash, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(h, f)
	return err
}

// Memo remembers what was computed of contents, on disk too. It may be used from several goroutines.
type Memo[T any] struct {
	path string

	mu    sync.Mutex
	known map[[sha256.Size]byte]T
	grown bool
}

// OpenMemo reads the memo of that name. One that cannot be read is begun anew.
func OpenMemo[T any](c *Cache, name string) (*Memo[T], error) {
	m := &Memo[T]{path: filepath.Join(c.dir, name+".gob"), known: map[[sha256.Size]byte]T{}}
	f, err := os.Open(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open memo: %w", err)
	}
	defer f.Close()
	if err := gob.NewDecoder(f).Decode(&m.known); err != nil {
		m.known = map[[sha256.Size]byte]T{}
	}
	return m, nil
}

// Get returns what is known of the content of that hash, which compute finds out if need be.
func (m *Memo[T]) Get(key [sha256.Size]byte, compute func() (T, error)) (T, error) {
	m.mu.Lock()
	v, ok := m.known[key]
	m.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := compute()
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[key], m.grown = v, true
	return v, nil
}

// Save writes the memo if it has grown.
func (m *Memo[T]) Save() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.grown {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(m.path), "making-")
	if err != nil {
		return fmt.Errorf("save memo: %w", err)
	}
	defer os.Remove(f.Name())
	err = errors.Join(gob.NewEncoder(f).Encode(m.known), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), m.path)
	}
	if err != nil {
		return fmt.Errorf("save memo: %w", err)
	}
	m.grown = false
	return nil
}
