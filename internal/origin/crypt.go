package origin

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Key is an AES-128 key; it is served at KeyPath(Name).
type Key struct {
	Name   string
	Secret []byte // 16 bytes
	IV     string // as EXT-X-KEY writes it, or empty: the media sequence number
}

func (s *stream) secret(name string) ([]byte, bool) {
	for _, p := range s.list {
		if k := s.key(p.sequence); k != nil && k.Name == name {
			return k.Secret, true
		}
	}
	return nil, false
}

func (s *stream) key(sequence uint64) *Key {
	if s.style.Key == nil {
		return nil
	}
	return s.style.Key(sequence)
}

func (s *stream) init() []byte {
	if s.style.EncryptInit {
		return s.encrypt(s.clip.Init, s.first)
	}
	return s.clip.Init
}

// encrypt is AES-128 in CBC mode with PKCS7 padding, as RFC 8216 section 4.3.2.4 asks.
func (s *stream) encrypt(body []byte, sequence uint64) []byte {
	k := s.key(sequence)
	if k == nil {
		return body
	}
	iv := make([]byte, aes.BlockSize)
	binary.BigEndian.PutUint64(iv[8:], sequence)
	if k.IV != "" {
		if _, err := hex.Decode(iv, []byte(k.IV[len("0x"):])); err != nil {
			panic(fmt.Sprintf("IV %q of key %s: %v", k.IV, k.Name, err))
		}
	}
	block, err := aes.NewCipher(k.Secret)
	if err != nil {
		panic(err) // the test's key is no key
	}
	pad := aes.BlockSize - len(body)%aes.BlockSize
	out := append(bytes.Clone(body), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, out)
	return out
}
