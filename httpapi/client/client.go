// Package client owns the asking side of Spotter's viewer API: who and what is on screen, once or as it changes.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"spotter/timeline"
)

const (
	// maxAnswer is the most that is read of an answer, in bytes: twelve hours of a busy event are some 50 MB.
	maxAnswer = 256 << 20
	// attempts is how often a question is asked that may be answered when it is asked again.
	attempts = 3
	// leastPause and mostPause bound the time between two attempts.
	leastPause, mostPause = 250 * time.Millisecond, 30 * time.Second
	// maxRetryAfter is the longest that a question waits because the server says so; one that is asked to wait longer fails.
	maxRetryAfter = 10 * time.Second
)

// Config says which box is asked, and how.
type Config struct {
	// BaseURL is where the viewer API is, such as https://box.example:8443; a CDN before it may add a path.
	BaseURL string
	// Credential returns the API key or token to send with a request; it is asked each time, so that tokens can be renewed.
	// Nil, or an empty credential, sends none.
	Credential func(ctx context.Context) (string, error)
	// HTTP sends the requests; nil stands for http.DefaultClient. Its Timeout must be 0 for Follow, whose answers do not end:
	// bound the other calls by their context.
	HTTP *http.Client
}

// Client asks one box. It is safe for use by many goroutines.
type Client struct {
	base       string
	credential func(ctx context.Context) (string, error)
	http       *http.Client
}

// New returns a client; it asks nothing yet. It fails when BaseURL is not the address of a server.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("base URL: %q is not an address such as https://box.example:8443", c.BaseURL)
	}
	if c.HTTP == nil {
		c.HTTP = http.DefaultClient
	}
	return &Client{base: strings.TrimRight(c.BaseURL, "/"), credential: c.Credential, http: c.HTTP}, nil
}

// Static returns a Config.Credential that is always the same key or token.
func Static(credential string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return credential, nil }
}

// Media returns all media, in the order in which the box shows them.
func (c *Client) Media(ctx context.Context) ([]Status, error) {
	var answer struct {
		Media []Status `json:"media"`
	}
	err := c.ask(ctx, "/v1/media", nil, &answer)
	return answer.Media, err
}

// Status tells how one media is doing.
func (c *Client) Status(ctx context.Context, media string) (*Status, error) {
	return ask[Status](ctx, c, mediaPath(media), nil)
}

// Context returns who and what is on screen of a media around a position or a wall-clock time.
func (c *Client) Context(ctx context.Context, media string, q Query) (*Context, error) {
	return ask[Context](ctx, c, mediaPath(media)+"/context", q.values())
}

// Contexts asks the same of 1 to 100 media at once, none with a comma in its name. The answers come in the order of media.
func (c *Client) Contexts(ctx context.Context, media []string, q Query) ([]Answer, error) {
	values := q.values()
	values.Set("media", strings.Join(media, ","))
	var answer struct {
		Contexts []Answer `json:"contexts"`
	}
	err := c.ask(ctx, "/v1/context", values, &answer)
	return answer.Contexts, err
}

// Window returns who and what is on screen in a window on the grid, whose answers caches share: 1, 2, 5, 10, 15, 30 or 60
// seconds long, beginning at a multiple of its length. The box refuses any other with a Problem that says the nearest.
func (c *Client) Window(ctx context.Context, media string, w timeline.Span) (*Context, error) {
	name := strconv.FormatFloat(w.From.Seconds(), 'f', -1, 64) + "-" + strconv.FormatFloat(w.Until.Seconds(), 'f', -1, 64)
	return ask[Context](ctx, c, mediaPath(media)+"/windows/"+name, nil)
}

// Timeline returns the observations and breaks that meet the closed window w, of at most twelve hours.
func (c *Client) Timeline(ctx context.Context, media string, w timeline.Span) (*Timeline, error) {
	values := url.Values{"from": {w.From.String()}, "until": {w.Until.String()}}
	return ask[Timeline](ctx, c, mediaPath(media)+"/timeline", values)
}

func mediaPath(media string) string { return "/v1/media/" + url.PathEscape(media) }

func ask[T any](ctx context.Context, c *Client, path string, query url.Values) (*T, error) {
	answer := new(T)
	if err := c.ask(ctx, path, query, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// ask decodes the answer to a GET. All that is asked is safe to ask again (RFC 9110, section 9.2.1): it is, where the network or
// the server was at fault.
func (c *Client) ask(ctx context.Context, path string, query url.Values, answer any) error {
	return again(ctx, func(int) error { return c.try(ctx, path, query, answer) })
}

// again tries what may be tried again, for as long as that may help.
func again(ctx context.Context, try func(attempt int) error) error {
	for attempt := 1; ; attempt++ {
		err := try(attempt)
		if err == nil || attempt == attempts || ctx.Err() != nil || !transient(err) {
			return err
		}
		wait := backoff(attempt, leastPause)
		var p *Problem
		if errors.As(err, &p) && p.RetryAfter > wait {
			if wait = p.RetryAfter; wait > maxRetryAfter {
				return err
			}
		}
		if !pause(ctx, wait) {
			return err
		}
	}
}

func (c *Client) try(ctx context.Context, path string, query url.Values, answer any) error {
	resp, err := c.send(ctx, path, query, "application/json")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}

// send returns an answer of status 200, whose body the caller closes; any other is a *Problem.
func (c *Client) send(ctx context.Context, path string, query url.Values, accept string) (*http.Response, error) {
	address := c.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", path, err)
	}
	req.Header.Set("Accept", accept+", application/problem+json")
	return c.do(req, http.StatusOK)
}

// do returns an answer of the status that is wanted, whose body the caller closes; any other is a *Problem.
func (c *Client) do(req *http.Request, want int) (*http.Response, error) {
	ctx, path := req.Context(), req.URL.Path
	if c.credential != nil {
		credential, err := c.credential(ctx)
		if err != nil {
			return nil, fmt.Errorf("credential: %w", err)
		}
		if credential != "" {
			req.Header.Set("Authorization", "Bearer "+credential)
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", path, &networkError{err})
	}
	if resp.StatusCode != want {
		defer resp.Body.Close()
		return nil, readProblem(resp)
	}
	return resp, nil
}

// backoff doubles with each failure; what is added by chance keeps clients apart.
func backoff(failures int, least time.Duration) time.Duration {
	d := min(least<<min(failures-1, 10), mostPause)
	return d/2 + rand.N(d/2+1)
}

// pause reports whether d went by before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
