package fetch

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Folder reads file URLs below one folder, for recordings. It is safe for concurrent use.
type Folder struct{ root *os.Root }

// NewFolder returns a getter for the files below dir, and no others.
func NewFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{root}, nil
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

// URL returns the address under which Get reads the file name.
func (f *Folder) URL(name string) *url.URL {
	return &url.URL{Scheme: "file", Path: "/" + filepath.ToSlash(name)}
}

// Get implements Getter. A file that is missing is fs.ErrNotExist, a range past the end io.ErrUnexpectedEOF.
func (f *Folder) Get(ctx context.Context, r Request) (Response, error) {
	if err := ctx.Err(); err != nil {
		return Response{}, err
	}
	if r.URL == nil || r.URL.Scheme != "file" || r.URL.Host != "" {
		return Response{}, fmt.Errorf("%w: the recording's playlist leads out of its folder", ErrAddress)
	}
	if err := checkRange(r); err != nil {
		return Response{}, err
	}
	name := filepath.FromSlash(strings.TrimPrefix(r.URL.Path, "/"))
	found, err := f.root.Stat(name)
	if err != nil {
		return Response{}, err
	}
	if !found.Mode().IsRegular() { // opening a pipe would wait for its other end
		return Response{}, fmt.Errorf("%w: %s is not a file", ErrAddress, quote(name))
	}
	file, err := f.root.Open(name)
	if err != nil {
		return Response{}, err
	}
	defer file.Close()
	size := r.Length
	if size == 0 {
		size = found.Size() - r.Offset
	}
	if size < 0 || r.Offset+size > found.Size() {
		return Response{}, fmt.Errorf("read bytes %d on: %w", r.Offset, io.ErrUnexpectedEOF)
	}
	body, err := readAll(io.NewSectionReader(file, r.Offset, size), size, r.Limit)
	return Response{Body: body, URL: r.URL}, err
}
