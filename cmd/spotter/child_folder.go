package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	temporaryName = "spotter-decoders-"
	// youngest is how old a folder must be that is nobody's: a younger one may be about to be locked.
	youngest = time.Minute
)

// temporary is a folder for the decoders of this process. It is locked for as long as the process lives, so that another
// one knows it for abandoned when the process was killed.
type temporary struct {
	path string
	lock *os.File
}

// newTemporary makes the folder in parent, by default that for temporary files, and removes what killed processes of this
// user left there.
func newTemporary(parent string) (*temporary, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	// What cannot be removed is another user's, or tried again at the next start.
	left, _ := filepath.Glob(filepath.Join(parent, temporaryName+"*"))
	for _, path := range left {
		_ = removeAbandoned(path)
	}
	path, err := os.MkdirTemp(parent, temporaryName)
	if err != nil {
		return nil, err
	}
	t := &temporary{path: path}
	if t.lock, err = lockFolder(path); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return t, nil
}

// Close removes the folder.
func (t *temporary) Close() error { return errors.Join(os.RemoveAll(t.path), t.lock.Close()) }

// lockFolder locks a folder until it is closed; it fails where another has locked it, or it is no folder.
func lockFolder(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f, nil
}

// removeAbandoned removes a folder whose process has ended.
func removeAbandoned(path string) error {
	lock, err := lockFolder(path)
	if err != nil {
		return err
	}
	defer lock.Close()
	var stat unix.Stat_t
	if err := unix.Fstat(int(lock.Fd()), &stat); err != nil {
		return err
	}
	if int(stat.Uid) != os.Geteuid() || time.Since(time.Unix(stat.Mtim.Unix())) < youngest {
		return nil
	}
	return os.RemoveAll(path)
}
