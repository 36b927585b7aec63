package relay

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"path"
	"strings"

	"spotter/capture/playlist"
)

// target is what a name stands for.
type target struct {
	use playlist.Use
	url *url.URL
	// imported are the variables of the multivariant playlist that led to a playlist (rfc8216bis section 4.4.2.3).
	imported map[string]string
}

// maxTarget is how many bytes a target may have: a name of it fits into a request line beside a key.
const maxTarget = playlist.MaxAddress + 512

// sealer makes names of targets, and targets of the names that it made. The same target always has the same name: players
// know a segment that they have by its address. Its key is its own, so a name is worth nothing to another sealer.
type sealer struct {
	aead cipher.AEAD
	mac  []byte // key of the nonces
}

func newSealer() (*sealer, error) {
	keys := make([]byte, 64)
	rand.Read(keys) // gives no error
	block, err := aes.NewCipher(keys[:32])
	if err != nil {
		return nil, fmt.Errorf("seal addresses: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("seal addresses: %w", err)
	}
	return &sealer{aead, keys[32:]}, nil
}

// name returns a target's name, or nothing where that would be too long. The nonce is a keyed hash of what is sealed, so
// that one never serves two targets.
func (s *sealer) name(use playlist.Use, address *url.URL, imported map[string]string) string {
	text := string(use) + address.String()
	if use == playlist.UsePlaylist && len(imported) > 0 {
		variables := make(url.Values, len(imported))
		for name, value := range imported {
			variables.Set(name, value)
		}
		text += "\n" + variables.Encode()
	}
	if len(text) > maxTarget {
		return ""
	}
	h := hmac.New(sha256.New, s.mac)
	h.Write([]byte(text))
	nonce := h.Sum(nil)[:s.aead.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, []byte(text), nil)) + extension(use, address)
}

// extension returns how a name ends: some players tell by it what comes.
func extension(use playlist.Use, address *url.URL) string {
	if use == playlist.UsePlaylist {
		return ".m3u8"
	}
	switch e := strings.ToLower(path.Ext(address.Path)); e {
	case ".ts", ".m4s", ".mp4", ".m4v", ".m4a", ".cmfv", ".cmfa", ".aac", ".mp3", ".ac3", ".ec3", ".vtt", ".webvtt":
		return e
	}
	return ""
}

// open returns what a name stands for; ErrName where it is none that name has given.
func (s *sealer) open(name string) (target, error) {
	sealed, _, _ := strings.Cut(name, ".")
	b, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || len(b) < s.aead.NonceSize() || len(sealed) != base64.RawURLEncoding.EncodedLen(len(b)) { // ends of lines are passed over
		return target{}, ErrName
	}
	nonce, box := b[:s.aead.NonceSize()], b[s.aead.NonceSize():]
	plain, err := s.aead.Open(nil, nonce, box, nil)
	if err != nil || len(plain) == 0 {
		return target{}, ErrName
	}
	address, variables, _ := strings.Cut(string(plain[1:]), "\n")
	t := target{use: playlist.Use(plain[0])}
	if t.url, err = url.Parse(address); err != nil {
		return target{}, ErrName
	}
	if name != sealed+extension(t.use, t.url) {
		return target{}, ErrName
	}
	values, err := url.ParseQuery(variables)
	if err != nil {
		return target{}, ErrName
	}
	if len(values) > 0 {
		t.imported = make(map[string]string, len(values))
	}
	for name := range values {
		t.imported[name] = values.Get(name)
	}
	return t, nil
}
