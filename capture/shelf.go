package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"spotter/capture/container"
	"spotter/capture/fetch"
	"spotter/capture/playlist"
)

// errMethod is wrapped for a way of encryption that cannot be undone here.
var errMethod = errors.New("no key for it is to be had")

// shelf keeps the small resources that many segments share: keys and initialisation sections. It is safe for concurrent
// use.
type shelf struct {
	mu   sync.Mutex
	list []*shelved
}

// shelved is one resource; whoever holds busy loads it.
type shelved struct {
	url   string
	bytes playlist.Range
	busy  chan struct{} // capacity 1
	body  []byte
}

// kept is how many resources a shelf keeps: keys and sections of this stretch of the stream and the next.
const kept = 8

// get returns a resource, loading it at most once for all who want it.
func (s *shelf) get(ctx context.Context, getter fetch.Getter, u *url.URL, r playlist.Range, limit int64, quiet time.Duration) ([]byte, error) {
	x := s.find(u.String(), r)
	select {
	case x.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-x.busy }()
	if x.body != nil {
		return x.body, nil
	}
	answer, err := getter.Get(ctx, fetch.Request{URL: u, Offset: r.Offset, Length: r.Length, Limit: limit, Idle: quiet})
	if err != nil {
		return nil, err
	}
	x.body = answer.Body
	return x.body, nil
}

// find returns the place of a resource, which becomes the newest.
func (s *shelf) find(u string, r playlist.Range) *shelved {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, x := range s.list {
		if x.url == u && x.bytes == r {
			s.list = append(append(s.list[:i:i], s.list[i+1:]...), x)
			return x
		}
	}
	x := &shelved{url: u, bytes: r, busy: make(chan struct{}, 1)}
	if s.list = append(s.list, x); len(s.list) > kept {
		s.list = s.list[1:]
	}
	return x
}

// forget takes a resource off the shelf.
func (s *shelf) forget(u *url.URL, r playlist.Range) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, x := range s.list {
		if x.url == u.String() && x.bytes == r {
			s.list = append(s.list[:i:i], s.list[i+1:]...)
			return
		}
	}
}

// clear takes everything off the shelf.
func (s *shelf) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = nil
}

func (s *shelf) drop(k *playlist.Key) { s.forget(k.URL, playlist.Range{}) }

// key returns a segment's AES-128 key, nil where it is not encrypted. Other ways of encryption are refused by name.
func (s *shelf) key(ctx context.Context, getter fetch.Getter, k *playlist.Key, quiet time.Duration) ([]byte, error) {
	if k == nil {
		return nil, nil
	}
	if err := decryptable(k); err != nil {
		return nil, err
	}
	key, err := s.get(ctx, getter, k.URL, playlist.Range{}, KeyBytes, quiet)
	if err != nil {
		return nil, fmt.Errorf("load key: %w", err)
	}
	if len(key) != KeyBytes {
		s.drop(k) // the next attempt may find a better one
	}
	return key, nil
}

// systems names the DRM systems by their KEYFORMAT.
var systems = map[string]string{
	"com.apple.streamingkeydelivery":                "FairPlay",
	"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed": "Widevine",
	"com.microsoft.playready":                       "PlayReady",
	"urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95": "PlayReady",
	"com.widevine": "Widevine",
}

// decryptable returns nil, or an error that names what a segment is encrypted with.
func decryptable(k *playlist.Key) error {
	format := strings.ToLower(k.Format)
	if k.Method == "AES-128" && (format == "" || format == "identity") && k.URL != nil {
		return nil
	}
	name := "METHOD=" + k.Method
	if system := systems[format]; system != "" {
		name += " with " + system
	} else if format != "" && format != "identity" {
		name += fmt.Sprintf(" with KEYFORMAT %.60q", k.Format)
	}
	return fmt.Errorf("%w: %s (only AES-128 is read: have the packager offer this box a clear or AES-128 variant): %w", ErrEncryption, name, errMethod)
}

// initialisation returns a section, decrypted where its EXT-X-MAP stands behind an EXT-X-KEY and only that makes it one
// (RFC 8216 section 4.3.2.5). Its IV is stated, or else taken to be the sequence number of the segment that names it first.
func (s *shelf) initialisation(ctx context.Context, getter fetch.Getter, m *playlist.Map, sequence uint64, quiet time.Duration) ([]byte, error) {
	body, err := s.get(ctx, getter, m.URL, m.Bytes, MaxInitBytes, quiet)
	if err != nil {
		return nil, fmt.Errorf("load initialisation section: %w", err)
	}
	plain, err := s.openInit(ctx, getter, body, m, sequence, quiet)
	if err != nil {
		s.forget(m.URL, m.Bytes)
		return nil, fmt.Errorf("read initialisation section: %w", err)
	}
	return plain, nil
}

func (s *shelf) openInit(ctx context.Context, getter fetch.Getter, body []byte, m *playlist.Map, sequence uint64, quiet time.Duration) ([]byte, error) {
	_, err := container.ParseInit(body)
	if err == nil || m.Key == nil {
		return body, err
	}
	key, keyErr := s.key(ctx, getter, m.Key, quiet)
	if keyErr != nil {
		return nil, keyErr
	}
	plain, decryptErr := decrypt(bytes.Clone(body), key, m.Key.IV, sequence)
	if decryptErr != nil {
		return nil, err
	}
	if _, decryptErr = container.ParseInit(plain); decryptErr != nil {
		return nil, err
	}
	return plain, nil
}
