package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The files of a download that is not finished: what there is of the model, and which version of it that is.
const (
	partialSuffix = ".partial"
	versionSuffix = ".partial.etag"
)

// partial is an unfinished download. It is locked against other processes, and hashed as it grows.
type partial struct {
	file *os.File
	sum  hash.Hash
	size int64 // bytes on disk, all of them in sum
}

// openPartial opens what there is of the download of the file of the given path.
func openPartial(path string) (*partial, error) {
	f, err := os.OpenFile(path+partialSuffix, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open download: %w", err)
	}
	p := &partial{file: f, sum: sha256.New()}
	if err := p.lock(); err != nil {
		f.Close()
		return nil, err
	}
	if p.size, err = io.Copy(p.sum, f); err != nil {
		f.Close()
		return nil, fmt.Errorf("read download: %w", err)
	}
	return p, nil
}

// lock takes the file for this process. One that another process has renamed meanwhile is a model, not a download.
func (p *partial) lock() error {
	if err := syscall.Flock(int(p.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return ErrBusy
		}
		return fmt.Errorf("lock download: %w", err)
	}
	mine, err := p.file.Stat()
	if err != nil {
		return fmt.Errorf("lock download: %w", err)
	}
	if there, err := os.Stat(p.file.Name()); err != nil || !os.SameFile(mine, there) {
		return ErrBusy
	}
	return nil
}

func (p *partial) close() { p.file.Close() }

func (p *partial) hash() string { return hex.EncodeToString(p.sum.Sum(nil)) }

// Write implements io.Writer.
func (p *partial) Write(b []byte) (int, error) {
	n, err := p.file.WriteAt(b, p.size)
	p.sum.Write(b[:n])
	p.size += int64(n)
	return n, err
}

// restart empties the file.
func (p *partial) restart() error {
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	p.sum.Reset()
	p.size = 0
	return p.setVersion("", "")
}

// remove takes the download off the disk. What cannot be removed is overwritten by the next pull.
func (p *partial) remove() {
	os.Remove(p.file.Name())
	os.Remove(p.versionPath())
}

// keep makes the finished download the model of the given path, and that durable.
func (p *partial) keep(path string) error {
	if err := p.file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(p.file.Name(), path); err != nil {
		return err
	}
	os.Remove(p.versionPath())
	return syncFolder(filepath.Dir(path))
}

func (p *partial) versionPath() string {
	return strings.TrimSuffix(p.file.Name(), partialSuffix) + versionSuffix
}

// version returns the entity tag under which the address sent what there is, or "" where that is not known or it came
// from elsewhere: tags of two servers cannot be compared.
func (p *partial) version(address string) string {
	text, err := os.ReadFile(p.versionPath())
	if err != nil {
		return ""
	}
	from, tag, _ := strings.Cut(strings.TrimSuffix(string(text), "\n"), "\n")
	if from != address {
		return ""
	}
	return tag
}

// setVersion notes the entity tag of what is to be written; an empty one forgets it.
func (p *partial) setVersion(address, tag string) error {
	if tag == "" {
		if err := os.Remove(p.versionPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return os.WriteFile(p.versionPath(), []byte(address+"\n"+tag+"\n"), 0o644)
}

// syncFolder makes a rename in dir durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync models folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync models folder: %w", err)
	}
	return nil
}
