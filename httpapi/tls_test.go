package httpapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spotter/httpapi"
)

// certificate writes a self-signed certificate for the name and its key.
func certificate(t *testing.T, name, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if certFile != "" {
		write(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	}
	if keyFile != "" {
		write(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	}
}

// secure serves a viewer API with TLS, and returns its address.
func secure(t *testing.T, certFile, keyFile string, log *logged) string {
	t.Helper()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := httpapi.NewTLSListener(plain, certFile, keyFile, log.logger())
	if err != nil {
		t.Fatal(err)
	}
	s := newViewer(cup())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(t.Context()), <-served); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// shown returns the name in the certificate that a new connection is shown.
func shown(t *testing.T, address string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// becomes waits until the certificate has the name: the files are looked at once a second of the real clock.
func becomes(t *testing.T, address, name string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 100 {
		if shown(t, address) == name {
			return
		}
		<-tick.C
	}
	t.Fatalf("the certificate is still %s, want %s", shown(t, address), name)
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certificate(t, "first.example", cert, key)
	var log logged
	address := secure(t, cert, key, &log)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("https://" + address + lookUpPath)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || resp.ProtoMajor != 1 || !strings.Contains(string(body), "Lin-Manuel Miranda") {
		t.Error(resp.Status, resp.Proto, string(body), err)
	}
	if got := shown(t, address); got != "first.example" {
		t.Error(got)
	}
	if conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	if resp, err := http.Get("http://" + address + "/"); err == nil {
		resp.Body.Close()
		if resp.StatusCode == 200 {
			t.Error("answered without TLS")
		}
	}
}

func TestCertificateChangesWhileRunning(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certificate(t, "first.example", cert, key)
	var log logged
	address := secure(t, cert, key, &log)
	certificate(t, "broken.example", cert, "") // without its key
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for i := 0; !strings.Contains(log.String(), "refused"); i++ {
		if got := shown(t, address); got != "first.example" {
			t.Fatal(got)
		}
		if i == 100 {
			t.Fatal("the broken pair was not noticed")
		}
		<-tick.C
	}
	certificate(t, "second.example", cert, key)
	becomes(t, address, "second.example")
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("%d errors:\n%s", n, log.String())
	}
}

func TestUnfitCertificates(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certificate(t, "a.example", cert, "")
	certificate(t, "b.example", "", key)
	for name, files := range map[string][2]string{"not a pair": {cert, key}, "missing": {cert, key + "x"}, "swapped": {key, cert}} {
		t.Run(name, func(t *testing.T) {
			if _, err := httpapi.NewTLSListener(nil, files[0], files[1], quiet()); err == nil || !strings.HasPrefix(err.Error(), "tls: ") {
				t.Error(err)
			}
		})
	}
}
