package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Problem is what the server says is wrong (RFC 9457, section 3.1). All answers but 200 come as one, those of proxies too.
type Problem struct {
	// Type is about:blank, or empty when the answer was no problem+json.
	Type string `json:"type"`
	// Title is that of the status.
	Title string `json:"title"`
	// Status is the HTTP status: 400, 401, 403, 404, 429 and 503 are explained in the API's description.
	Status int `json:"status"`
	// Detail says what is wrong, for people.
	Detail string `json:"detail"`
	// Parameter is the parameter at fault; empty where there is none.
	Parameter string `json:"parameter"`
	// RetryAfter is how long the server asks to wait; 0 where it says nothing.
	RetryAfter time.Duration `json:"-"`
}

func (p *Problem) Error() string {
	switch {
	case p.Detail == "":
		return fmt.Sprintf("status %d", p.Status)
	case p.Parameter == "":
		return fmt.Sprintf("status %d: %s", p.Status, p.Detail)
	}
	return fmt.Sprintf("status %d: %s: %s", p.Status, p.Parameter, p.Detail)
}

// Temporary reports whether the same question may be answered when it is asked again.
func (p *Problem) Temporary() bool {
	return p.Status == http.StatusRequestTimeout || p.Status == http.StatusTooManyRequests || p.Status >= 500
}

// maxProblem is the most that is read of a problem, in bytes.
const maxProblem = 64 << 10

func readProblem(resp *http.Response) error {
	p := new(Problem)
	// What is not a problem is a proxy's own error, of which the status is all there is to say.
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxProblem)).Decode(p); err != nil {
		*p = Problem{Title: http.StatusText(resp.StatusCode)}
	}
	p.Status = resp.StatusCode
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		p.RetryAfter = time.Duration(s) * time.Second
	}
	return p
}

// networkError is an error of the way to the server.
type networkError struct{ error }

func (e *networkError) Unwrap() error { return e.error }

// transient reports whether to ask again may help: the network or the server was at fault.
func transient(err error) bool {
	var p *Problem
	var n *networkError
	return errors.As(err, &p) && p.Temporary() || errors.As(err, &n) || errors.Is(err, io.ErrUnexpectedEOF)
}
