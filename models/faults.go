package models

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// elsewhere says how to do without the server.
func elsewhere(m Model) string {
	return fmt.Sprintf("bring %s from another machine and name its folder with --mirror", m.File)
}

// refusal returns the error of an answer without content.
func refusal(resp *http.Response, m Model) error {
	err := fmt.Errorf("the server answered %s", resp.Status)
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return transient{error: err, after: retryAfter(resp)}
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%w: the file is not at this address; %s", err, elsewhere(m))
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusUnavailableForLegalReasons:
		return fmt.Errorf("%w: it, or a proxy on the way (HTTPS_PROXY), does not let this machine have the file; %s", err, elsewhere(m))
	}
	return fmt.Errorf("%w; %s", err, elsewhere(m))
}

// retryAfter returns what the server asks to wait, 0 where it does not say it in seconds (RFC 9110, section 10.2.3).
func retryAfter(resp *http.Response) time.Duration {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(longestPause/time.Second))) * time.Second
}

// explain returns the error of a request that got no answer, with the mend, and as transient where another attempt
// may help.
func explain(ctx context.Context, err error, m Model) error {
	if ctx.Err() != nil {
		return err
	}
	host := "the server"
	if u, ok := errors.AsType[*url.Error](err); ok {
		if to, perr := url.Parse(u.URL); perr == nil && to.Host != "" {
			host = to.Host // after redirections
		}
		err = u.Err
	}
	switch {
	case untrusted(err):
		return fmt.Errorf("%s %w safely: %w: set this machine's clock, install ca-certificates and what your proxy signs with; or %s",
			host, ErrUnreachable, err, elsewhere(m))
	case offline(err):
		return fmt.Errorf("%s %w: %w: connect this machine to the internet or set HTTPS_PROXY; or %s", host, ErrUnreachable, err, elsewhere(m))
	}
	return transient{error: fmt.Errorf("%s does not answer: %w", host, err)}
}

// untrusted reports whether err is one of TLS: of the certificate, or of a server that does not speak it.
func untrusted(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	return errors.Is(err, http.ErrSchemeMismatch)
}

// offline reports whether err means that there is no way to the host. A connection that takes too long may come about
// at the next attempt.
func offline(err error) bool {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	for _, e := range []syscall.Errno{syscall.ECONNREFUSED, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
