package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// answer is an origin's last answer to a request, after redirects.
type answer struct {
	*http.Response
	url *url.URL
	old *validated // what was asked about with its validators
}

// follow asks and goes where redirects lead. net/http's Client is not used because it forwards headers and cookies by
// rules of its own, sends a Referer, and quotes addresses in its errors.
func (h *HTTP) follow(ctx context.Context, used *transports, r Request, w *watch) (answer, error) {
	at, err := h.policy.check(r.URL)
	if err != nil {
		return answer{}, err
	}
	first := at
	for hops := 0; ; hops++ {
		a, err := h.ask(ctx, used, r, at)
		if err != nil {
			return answer{}, err
		}
		w.came()
		if !isRedirect(a.StatusCode) {
			return a, nil
		}
		location := a.Header.Get("Location")
		drain(w, a.Body)
		if hops == MaxRedirects {
			return answer{}, fmt.Errorf("%w: more than %d redirects", ErrAddress, MaxRedirects)
		}
		if at, err = h.redirect(at, location); err != nil {
			return answer{}, err
		}
		if at.Hostname() == first.Hostname() {
			at.User = first.User
		}
	}
}

func isRedirect(code int) bool {
	return code >= 301 && code <= 303 || code == 307 || code == 308
}

// redirect returns where an answer of from leads.
func (h *HTTP) redirect(from *url.URL, location string) (*url.URL, error) {
	if location == "" {
		return nil, fmt.Errorf("%w: a redirect without a Location", ErrAddress)
	}
	to, err := from.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("%w: a redirect whose Location is not a URL", ErrAddress)
	}
	to.User = nil
	if to, err = h.policy.check(to); err != nil {
		return nil, fmt.Errorf("follow a redirect: %w", err)
	}
	if from.Scheme == "https" && to.Scheme == "http" && !h.policy.own[to.Hostname()] {
		return nil, fmt.Errorf("%w: a redirect from https to http on host %s", ErrAddress, quote(to.Hostname()))
	}
	return to, nil
}

// ask sends one request. at has been checked.
func (h *HTTP) ask(ctx context.Context, used *transports, r Request, at *url.URL) (answer, error) {
	wire := *at
	wire.User = nil
	a := answer{url: at}
	req := (&http.Request{Method: http.MethodGet, URL: &wire, Host: wire.Host, Header: h.headerFor(at, r)}).WithContext(ctx)
	for _, c := range h.cookies.of(&wire) {
		req.AddCookie(c)
	}
	if r.Revalidate && !ranged(r) {
		if a.old = h.kept.find(r, &wire); a.old != nil {
			a.old.ask(req.Header)
		}
	}
	transport, err := used.of(h, &wire)
	if err != nil {
		return answer{}, err
	}
	if a.Response, err = transport.RoundTrip(req); err != nil {
		return answer{}, err
	}
	h.cookies.set(&wire, a.Response)
	return a, nil
}

func (h *HTTP) headerFor(at *url.URL, r Request) http.Header {
	header := http.Header{}
	if h.policy.own[at.Hostname()] {
		header = h.header.Clone()
		if h.options.Username != "" || h.options.Password != "" {
			setBasicAuth(header, h.options.Username, h.options.Password)
		}
	}
	if at.User != nil {
		password, _ := at.User.Password()
		setBasicAuth(header, at.User.Username(), password)
	}
	if h.options.UserAgent != "" && header.Get("User-Agent") == "" {
		header.Set("User-Agent", h.options.UserAgent)
	}
	// Segments do not get smaller, and a range of a packed one would be of no use.
	header.Set("Accept-Encoding", "identity")
	switch {
	case r.Length > 0:
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", r.Offset, r.Offset+r.Length-1))
	case r.Offset > 0:
		header.Set("Range", fmt.Sprintf("bytes=%d-", r.Offset))
	case r.Revalidate:
		header.Set("Accept-Encoding", "gzip")
	}
	return header
}

func setBasicAuth(header http.Header, username, password string) {
	r := http.Request{Header: header}
	r.SetBasicAuth(username, password)
}

// drain reads a little, so that the connection can be used again.
func drain(w *watch, body io.ReadCloser) {
	io.CopyN(io.Discard, w.reader(body), 16<<10)
	body.Close()
}

// maxRetryAfter bounds for how long an origin can send us away.
const maxRetryAfter = time.Hour

// retryAfter reads the header of that name, seconds or a date (RFC 9110, 10.2.3). 0 stands for none.
func retryAfter(header http.Header, now time.Time) time.Duration {
	s := strings.TrimSpace(header.Get("Retry-After"))
	if s != "" && strings.Trim(s, "0123456789") == "" {
		seconds, err := strconv.ParseInt(s, 10, 64)
		if err != nil || seconds > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(s)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
