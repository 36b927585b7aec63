package fetch

import (
	"compress/flate"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// answerError is an answer that cannot be used. Its text is ours alone.
type answerError string

func (e answerError) Error() string { return string(e) }

// errBroken stands for what net/http says of bytes that it cannot read: it quotes them, and an origin may have sent
// the request's own secrets back.
const errBroken = answerError("the connection broke, or did not carry HTTP")

// plain returns the part of an error of net/http whose text holds nothing of the request and of the answer.
func plain(err error) error {
	var (
		op          *net.OpError
		certificate *tls.CertificateVerificationError
		alert       tls.AlertError
		record      tls.RecordHeaderError
		corrupt     flate.CorruptInputError
		timeout     net.Error
	)
	switch {
	case errors.Is(err, net.ErrClosed):
		return fmt.Errorf("ask the origin: %w", net.ErrClosed)
	case errors.As(err, &op):
		if op.Op == "proxyconnect" {
			return fmt.Errorf("reach the proxy: %w", plain(op.Err))
		}
		return op
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the connection ended before the answer did: %w", io.ErrUnexpectedEOF)
	case errors.As(err, &certificate):
		return certificate
	case errors.As(err, &alert):
		return alert
	case errors.As(err, &record):
		return answerError("the origin does not speak TLS")
	case errors.Is(err, http.ErrSchemeMismatch):
		return answerError("the origin speaks http, not https")
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return answerError("the body is not the gzip that it is said to be")
	case errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("ask the origin: %w", syscall.ECONNRESET)
	case errors.As(err, &timeout) && timeout.Timeout():
		return answerError("the connection timed out")
	default:
		return errBroken
	}
}

// Redact returns an address without user, query and fragment, fit for logs.
func Redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(unreadable address)"
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if u.Opaque != "" { // data: and the like
		u.Opaque = "..."
	}
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	return u.String()
}
