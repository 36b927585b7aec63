package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// partialSuffix marks a download that is not finished; the next Pull goes on from there.
const partialSuffix = ".partial"

// Puller fetches model files.
type Puller struct {
	// Dir is the folder that the files are kept in; it is made when it is not there.
	Dir string
	// Mirror is a folder, or an http or https address that a file's name is added to; empty means upstream.
	Mirror string
	// Client makes the requests; nil means http.DefaultClient. The context of Pull bounds them.
	Client *http.Client
	// Progress, where set, is told of each step: bytes on disk so far, of how many.
	Progress func(name string, done, total int64)
}

// Pull brings the file of m to Dir, or does nothing where the right one is there already. Only the exact published
// file ever appears under its name. A download that breaks off is kept beside it and resumed by the next Pull; one
// that turns out wrong is removed, and the error wraps ErrAltered.
func (p *Puller) Pull(ctx context.Context, m Model) error {
	switch err := Verify(p.Dir, m); {
	case err == nil:
		return nil
	case !errors.Is(err, ErrMissing) && !errors.Is(err, ErrAltered):
		return err
	}
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return fmt.Errorf("make models folder: %w", err)
	}
	partial := Path(p.Dir, m) + partialSuffix
	f, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("open download: %w", err)
	}
	defer f.Close()
	source, err := p.download(ctx, f, m)
	if err == nil {
		err = finish(f, m)
	}
	if err != nil {
		if info, statErr := f.Stat(); errors.Is(err, ErrAltered) || statErr == nil && info.Size() == 0 {
			os.Remove(partial)
		}
		return fmt.Errorf("pull %s from %s: %w", m.Name, source, err)
	}
	if err := os.Rename(partial, Path(p.Dir, m)); err != nil {
		return fmt.Errorf("keep %s: %w", m.Name, err)
	}
	return syncFolder(p.Dir)
}

// download adds to f what it lacks of m and returns where that came from.
func (p *Puller) download(ctx context.Context, f *os.File, m Model) (source string, err error) {
	source, remote, err := p.source(m)
	if err != nil {
		return source, err
	}
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return source, err
	}
	if have > m.Bytes {
		if have, err = 0, restart(f); err != nil {
			return source, err
		}
	}
	if have == m.Bytes {
		return source, nil
	}
	body, have, err := p.open(ctx, f, source, remote, have)
	if err != nil {
		return source, err
	}
	defer body.Close()
	return source, p.copy(ctx, f, body, m, have)
}

// source returns the file or the address that m comes from.
func (p *Puller) source(m Model) (source string, remote bool, err error) {
	switch {
	case strings.HasPrefix(p.Mirror, "http://"), strings.HasPrefix(p.Mirror, "https://"):
		source, err = url.JoinPath(p.Mirror, m.File)
		return source, true, err
	case p.Mirror != "":
		return filepath.Join(p.Mirror, m.File), false, nil
	case m.URL == "":
		return "upstream", false, fmt.Errorf("it %w: put %s in a folder and name that with --mirror", ErrNoSource, m.File)
	}
	return m.URL, true, nil
}

// open returns the source's content from byte have on. A server that cannot resume sends all of it: then f is
// emptied and have is 0.
func (p *Puller) open(ctx context.Context, f *os.File, source string, remote bool, have int64) (io.ReadCloser, int64, error) {
	if remote {
		return p.get(ctx, f, source, have)
	}
	in, err := os.Open(source)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("%w: put the file there under its upstream name", fs.ErrNotExist)
	}
	if err != nil {
		return nil, 0, err
	}
	if _, err := in.Seek(have, io.SeekStart); err != nil {
		in.Close()
		return nil, 0, err
	}
	return in, have, nil
}

func (p *Puller) get(ctx context.Context, f *os.File, source string, have int64) (io.ReadCloser, int64, error) {
	resp, err := p.request(ctx, source, have)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case resp.StatusCode == http.StatusPartialContent && have > 0 && resumesAt(resp, have):
		return resp.Body, have, nil
	case resp.StatusCode == http.StatusOK:
		if err := restart(f); err != nil {
			resp.Body.Close()
			return nil, 0, err
		}
		return resp.Body, 0, nil
	}
	resp.Body.Close()
	useless := resp.StatusCode == http.StatusPartialContent || resp.StatusCode == http.StatusRequestedRangeNotSatisfiable
	if useless && have > 0 {
		// This server cannot go on from what is on disk: ask for all of it.
		if err := restart(f); err != nil {
			return nil, 0, err
		}
		return p.get(ctx, f, source, 0)
	}
	return nil, 0, fmt.Errorf("the server answered %s", resp.Status)
}

func (p *Puller) request(ctx context.Context, source string, have int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, err
	}
	if have > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
	}
	client := p.Client
	if client == nil {
		client = http.DefaultClient
	}
	return client.Do(req)
}

// resumesAt reports whether a 206 begins at byte have (RFC 9110, section 14.4).
func resumesAt(resp *http.Response, have int64) bool {
	return strings.HasPrefix(resp.Header.Get("Content-Range"), "bytes "+strconv.FormatInt(have, 10)+"-")
}

// copy adds body to f until f is m.Bytes long, and refuses a body that goes on after that.
func (p *Puller) copy(ctx context.Context, f *os.File, body io.Reader, m Model, have int64) error {
	buf := make([]byte, 64<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := body.Read(buf)
		if have+int64(n) > m.Bytes {
			return fmt.Errorf("%s is %w: it is longer than %d bytes", m.File, ErrAltered, m.Bytes)
		}
		if _, err := f.Write(buf[:n]); err != nil {
			return err
		}
		have += int64(n)
		if p.Progress != nil && n > 0 {
			p.Progress(m.Name, have, m.Bytes)
		}
		switch {
		case err == io.EOF && have < m.Bytes: // a transfer that broke off ends with another error
			return fmt.Errorf("%s is %w: it is shorter than %d bytes", m.File, ErrAltered, m.Bytes)
		case err != nil && err != io.EOF:
			return fmt.Errorf("%w after %d of %d bytes: pull again to go on from there", err, have, m.Bytes)
		case err == io.EOF:
			return nil
		}
	}
}

// finish verifies f and makes it durable.
func finish(f *os.File, m Model) error {
	switch same, err := published(f, m); {
	case err != nil:
		return err
	case !same:
		return fmt.Errorf("%s is %w: its sha256 is not %s", m.File, ErrAltered, m.SHA256)
	}
	return f.Sync()
}

func restart(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
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
