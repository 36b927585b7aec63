package httpapi

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// NewTLSListener returns ln with TLS 1.2 or newer before HTTP/1.1. The files hold a certificate with its chain and its key
// as PEM; they are read again when one changes, for connections that come after, and a pair that does not fit leaves the
// old one in force.
func NewTLSListener(ln net.Listener, certFile, keyFile string, log *slog.Logger) (net.Listener, error) {
	pair, err := openReloaded(log, parsePair, certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return tls.NewListener(lazily(ln, nil), &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return pair.get(time.Now()), nil
		},
	}), nil
}

// parsePair reads a certificate and its key. Errors of crypto/tls repeat nothing of either.
func parsePair(contents [][]byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return nil, err
	}
	return &pair, nil
}
