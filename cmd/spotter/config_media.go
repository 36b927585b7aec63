package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"spotter/capture"
	"spotter/capture/fetch"
)

// mediaConfig is one stream of one event.
type mediaConfig struct {
	ID             string            `yaml:"id"`
	URL            string            `yaml:"url"`
	URLFile        string            `yaml:"url_file"` // in place of url
	BackupURLs     []string          `yaml:"backup_urls"`
	Headers        map[string]string `yaml:"headers"`
	HeadersFile    string            `yaml:"headers_file"`
	BasicAuth      *basicAuthConfig  `yaml:"basic_auth"`
	AllowHosts     []string          `yaml:"allow_hosts"`
	Zero           string            `yaml:"zero"`
	SampleInterval time.Duration     `yaml:"sample_interval"`
	Breaks         string            `yaml:"breaks"`
	Schedule       scheduleConfig    `yaml:"schedule"`

	folder string // of the configuration file, which relative paths start from
}

type basicAuthConfig struct {
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
}

// scheduleConfig is when a stream is watched; nothing of it is always.
type scheduleConfig struct {
	Start    string `yaml:"start"` // RFC 3339
	Stop     string `yaml:"stop"`
	Calendar string `yaml:"calendar"` // path or address, with #name for the events of that name alone
}

// What breaks says of ad breaks.
const (
	breaksAnalyze = "analyze"
	breaksSkip    = "skip"
)

func (m *mediaConfig) setDefaults() {
	m.Zero = cmp.Or(m.Zero, "first")
	m.SampleInterval = cmp.Or(m.SampleInterval, time.Second)
	m.Breaks = cmp.Or(m.Breaks, breaksAnalyze)
}

func (m *mediaConfig) check(f *faults, i int) {
	if !mediaID.MatchString(m.ID) {
		f.add(fmt.Sprintf("%q is not an id: 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first", m.ID), "media", i, "id")
	}
	m.checkAddresses(f, i)
	m.checkHeaders(f, i)
	for n, host := range m.AllowHosts {
		if fetch.CheckHost(host) != nil {
			f.add(fmt.Sprintf("%.80q is not a host such as cdn.example.org or *.example.org", host), "media", i, "allow_hosts", n)
		}
	}
	if _, err := capture.ParseZero(m.Zero); err != nil {
		f.add(err.Error(), "media", i, "zero")
	}
	if m.SampleInterval < 40*time.Millisecond || m.SampleInterval > time.Minute {
		f.add(fmt.Sprintf("%s is not between 40ms and 1m", m.SampleInterval), "media", i, "sample_interval")
	}
	oneOf(f, m.Breaks, []string{breaksAnalyze, breaksSkip}, "media", i, "breaks")
	m.Schedule.check(f, i)
}

func (m *mediaConfig) checkAddresses(f *faults, i int) {
	switch {
	case m.URL != "" && m.URLFile != "":
		f.add("give url or url_file, not both", "media", i, "url_file")
	case m.URLFile != "":
	default:
		if _, err := parseAddress(m.URL); err != nil {
			f.add(err.Error(), "media", i, "url")
		}
	}
	seen := map[string]bool{m.URL: true}
	for n, backup := range m.BackupURLs {
		if _, err := parseAddress(backup); err != nil {
			f.add(err.Error(), "media", i, "backup_urls", n)
		} else if seen[backup] {
			f.add("this address is there already: a backup is another one", "media", i, "backup_urls", n)
		}
		seen[backup] = true
	}
}

// parseAddress reads the address of a playlist. Its error is fit for logs.
func parseAddress(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is not an http or https address of a playlist", fetch.Redact(s))
	}
	return u, nil
}

func (m *mediaConfig) checkHeaders(f *faults, i int) {
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		if isSecret(name) {
			f.add("a secret does not belong into this file: put it into headers_file", "media", i, "headers", name)
		} else if err := checkHeader(name, m.Headers[name]); err != nil {
			f.add(err.Error(), "media", i, "headers", name)
		}
	}
	if b := m.BasicAuth; b != nil {
		if b.Username == "" || strings.Contains(b.Username, ":") {
			f.add("name the user, without a colon", "media", i, "basic_auth", "username")
		}
		if b.PasswordFile == "" {
			f.add("name a file that holds the password", "media", i, "basic_auth", "password_file")
		}
	}
}

// isSecret reports whether a header is a credential by its nature.
func isSecret(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "cookie", "proxy-authorization":
		return true
	}
	return false
}

// checkHeader returns what is wrong with a header, without its value.
func checkHeader(name, value string) error {
	switch strings.ToLower(name) {
	case "host", "range", "accept-encoding", "content-length", "connection", "transfer-encoding", "te", "upgrade",
		"trailer", "keep-alive", "expect", "if-none-match", "if-modified-since", "if-match", "if-range", "if-unmodified-since":
		return fmt.Errorf("%s belongs to each request and cannot be set", name)
	}
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%.80q is not the name of a header", name)
	}
	if !httpguts.ValidHeaderFieldValue(value) {
		return fmt.Errorf("the value of %s has a character that no header may have", name)
	}
	return nil
}

func (s *scheduleConfig) check(f *faults, i int) {
	start, err := parseTime(s.Start)
	if err != nil {
		f.add(err.Error(), "media", i, "schedule", "start")
	}
	stop, err := parseTime(s.Stop)
	if err != nil {
		f.add(err.Error(), "media", i, "schedule", "stop")
	}
	if !start.IsZero() && !stop.IsZero() && !stop.After(start) {
		f.add(fmt.Sprintf("%s is not after start", s.Stop), "media", i, "schedule", "stop")
	}
	if _, _, err := s.calendar(); err != nil {
		f.add(err.Error(), "media", i, "schedule", "calendar")
	}
}

// parseTime reads an RFC 3339 time; none is zero.
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is not an RFC 3339 time such as 2026-11-23T14:00:00Z", s)
	}
	return t, nil
}

// calendar returns the calendar's address, of which a path has no scheme, and the name of the events that count.
func (s *scheduleConfig) calendar() (*url.URL, string, error) {
	scheme, _, isURL := strings.Cut(s.Calendar, "://")
	if !isURL {
		path, name, _ := strings.Cut(s.Calendar, "#")
		if path == "" && name != "" {
			return nil, "", fmt.Errorf("%q names no file", s.Calendar)
		}
		return &url.URL{Path: path}, name, nil
	}
	u, err := url.Parse(s.Calendar)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "webcal"}, strings.ToLower(scheme)) {
		return nil, "", fmt.Errorf("the address of a calendar begins with https://, http:// or webcal://")
	}
	if u.Scheme == "webcal" { // what calendar programs call https
		u.Scheme = "https"
	}
	name := u.Fragment
	u.Fragment, u.RawFragment = "", ""
	return u, name, nil
}
