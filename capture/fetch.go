package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Getter reads resources. What it returns besides the body is the address after redirects, against which relative
// URIs are resolved.
type Getter interface {
	// Get reads all of a resource, or a sub-range of it, of at most limit bytes; more is ErrTooLarge.
	Get(ctx context.Context, u *url.URL, r byteRange, limit int64) (body []byte, final *url.URL, err error)
}

// errAddress is wrapped for addresses that are not followed.
var errAddress = errors.New("refused address")

// StatusError is an HTTP answer other than success.
type StatusError int

func (e StatusError) Error() string {
	return fmt.Sprintf("the origin answered %d %s", int(e), http.StatusText(int(e)))
}

// gone reports whether asking again for the same resource is useless.
func (e StatusError) gone() bool { return e >= 400 && e < 500 && e != 408 && e != 425 && e != 429 }

// HTTP reads http and https URLs. It is safe for concurrent use.
type HTTP struct{ client *http.Client }

// NewHTTP returns a getter with timeouts fit for live segments; userAgent names the program to origins.
func NewHTTP(userAgent string) *HTTP {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 9 * time.Second, // what hls.js grants the first byte
	}
	return &HTTP{&http.Client{
		Transport:     agent{transport, userAgent},
		CheckRedirect: checkRedirect,
	}}
}

// Close ends idle connections.
func (h *HTTP) Close() { h.client.CloseIdleConnections() }

type agent struct {
	*http.Transport
	name string
}

func (a agent) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", a.name)
	return a.Transport.RoundTrip(r)
}

func checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) > MaxRedirects {
		return fmt.Errorf("%w: more than %d redirects", errAddress, MaxRedirects)
	}
	return checkScheme(r.URL)
}

func checkScheme(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%w: %q is not http or https", errAddress, Redact(u.String()))
	}
	return nil
}

// Get implements Getter.
func (h *HTTP) Get(ctx context.Context, u *url.URL, r byteRange, limit int64) ([]byte, *url.URL, error) {
	if err := checkScheme(u); err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	if r.length > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", r.offset, r.offset+r.length-1))
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, nil, withoutURL(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent {
		return nil, nil, StatusError(resp.StatusCode)
	}
	body, announced := io.Reader(resp.Body), resp.ContentLength
	if r.length > 0 && resp.StatusCode == http.StatusOK { // an origin that knows no ranges
		if _, err := io.CopyN(io.Discard, body, r.offset); err != nil {
			return nil, nil, fmt.Errorf("read body: %w", err)
		}
		body, announced = io.LimitReader(body, r.length), r.length
	}
	b, err := readAll(body, announced, limit)
	if err == nil && r.length > 0 && int64(len(b)) != r.length {
		err = fmt.Errorf("read body: %w", io.ErrUnexpectedEOF)
	}
	return b, resp.Request.URL, err
}

// readAll reads to the end, into one allocation where the size is announced.
func readAll(r io.Reader, announced, limit int64) ([]byte, error) {
	if announced > limit {
		return nil, fmt.Errorf("%d bytes: %w", announced, ErrTooLarge)
	}
	if announced >= 0 {
		b := make([]byte, announced)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, fmt.Errorf("read body: %w", err)
		}
		return b, nil
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("over %d bytes: %w", limit, ErrTooLarge)
	}
	return b, nil
}

// withoutURL drops the address that net/http puts into its errors: it may hold a token.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// Redact returns an address without user, query and fragment, fit for logs.
func Redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(unreadable address)"
	}
	u.User, u.Fragment = nil, ""
	if u.Opaque != "" { // data: and the like
		u.Opaque = "..."
	}
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	return u.String()
}

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

// Get implements Getter.
func (f *Folder) Get(_ context.Context, u *url.URL, r byteRange, limit int64) ([]byte, *url.URL, error) {
	if u.Scheme != "file" || u.Host != "" {
		return nil, nil, fmt.Errorf("%w: %q leaves the recording's folder", errAddress, Redact(u.String()))
	}
	file, err := f.root.Open(filepath.FromSlash(strings.TrimPrefix(u.Path, "/")))
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	size := info.Size()
	if r.length > 0 {
		if r.offset+r.length > size {
			return nil, nil, fmt.Errorf("read bytes %s: %w", strconv.FormatInt(r.offset, 10), io.ErrUnexpectedEOF)
		}
		size = r.length
	}
	b, err := readAll(io.NewSectionReader(file, r.offset, size), size, limit)
	return b, u, err
}
