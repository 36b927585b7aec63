package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"spotter/capture/fetch"
)

const (
	// credentialsVariable names the folder of systemd's credentials (systemd.exec(5), LoadCredential=).
	credentialsVariable = "CREDENTIALS_DIRECTORY"
	maxSecret           = 64 << 10 // bytes of a file with a secret
)

// userAgent names the program to origins.
func userAgent() string { return "spotter/" + version() }

// secretPath returns where a file with a secret is looked for.
func (m *mediaConfig) secretPath(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	if dir := os.Getenv(credentialsVariable); dir != "" {
		return filepath.Join(dir, name)
	}
	return filepath.Join(m.folder, name)
}

// secret reads a file that a key such as url_file names. Its error says the mend, and nothing of what is in the file.
func (m *mediaConfig) secret(key, name string) ([]byte, error) {
	f, err := os.Open(m.secretPath(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: put the file there, and let this user read it", key, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if len(b) > maxSecret {
		return nil, fmt.Errorf("%s: %s is larger than %d KiB: name another file", key, f.Name(), maxSecret>>10)
	}
	return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), nil
}

// urls returns the addresses of the stream's playlist, the preferred one first.
func (m *mediaConfig) urls() ([]*url.URL, error) {
	addresses := append([]string{m.URL}, m.BackupURLs...)
	if m.URLFile != "" {
		b, err := m.secret("url_file", m.URLFile)
		if err != nil {
			return nil, err
		}
		addresses[0] = strings.TrimSpace(string(b))
		if _, err := parseAddress(addresses[0]); err != nil {
			return nil, fmt.Errorf("url_file: %s holds no http or https address of a playlist", m.secretPath(m.URLFile))
		}
	}
	var out []*url.URL
	for _, s := range addresses {
		u, err := parseAddress(s)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

// fetchOptions returns how the stream's origins are asked.
func (m *mediaConfig) fetchOptions(userAgent string) (fetch.Options, error) {
	o := fetch.Options{UserAgent: userAgent, Allow: m.AllowHosts, Header: http.Header{}}
	urls, err := m.urls()
	if err != nil {
		return o, err
	}
	for _, u := range urls {
		o.Hosts = append(o.Hosts, u.Hostname())
	}
	for name, value := range m.Headers {
		o.Header.Set(name, value)
	}
	if m.HeadersFile != "" {
		if err := m.readHeaders(o.Header); err != nil {
			return o, err
		}
	}
	if b := m.BasicAuth; b != nil {
		password, err := m.secret("basic_auth.password_file", b.PasswordFile)
		if err != nil {
			return o, err
		}
		o.Username, o.Password = b.Username, strings.TrimRight(string(password), "\r\n")
	}
	return o, nil
}

// readHeaders adds the lines "Name: value" of headers_file; they go before those of headers.
func (m *mediaConfig) readHeaders(into http.Header) error {
	b, err := m.secret("headers_file", m.HeadersFile)
	if err != nil {
		return err
	}
	found := http.Header{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, maxSecret+1)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok || checkHeader(name, value) != nil { // whose error may quote a secret
			return fmt.Errorf("headers_file: line %d: want Name: value, of a header that can be set", n)
		}
		found.Add(name, value)
	}
	for name, values := range found {
		into[name] = values
	}
	return lines.Err()
}

// loose returns the files with secrets that every user of the machine may read.
func (m *mediaConfig) loose() []string {
	var out []string
	for _, path := range m.secretFiles() {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o004 != 0 {
			out = append(out, path)
		}
	}
	return out
}
