package playlist

import (
	"errors"
	"fmt"
	"strings"
)

// maxKeyFormats caps the keys in force for one segment, of which there is one for each KEYFORMAT.
const maxKeyFormats = 16

// usable reports whether a key can be asked for and used: whole segments in AES-128.
func (k *Key) usable() bool { return k.Method == "AES-128" && k.Format == "" }

// key reads an EXT-X-KEY or EXT-X-SESSION-KEY (rfc8216bis section 4.4.4.4); nil for METHOD=NONE. Of a key that is of no
// use the URI need not be readable.
func (s *scope) key(value string) (*Key, error) {
	a, err := s.attributes(value)
	if err != nil {
		return nil, err
	}
	k := &Key{Method: a.get("METHOD"), Format: a.get("KEYFORMAT"), IV: a.get("IV")}
	if strings.EqualFold(k.Format, "identity") {
		k.Format = ""
	}
	switch k.Method {
	case "NONE":
		return nil, nil
	case "":
		k.Method = "AES-128"
	}
	u, err := s.resolve(a.get("URI"))
	if err != nil && (k.usable() || errors.Is(err, errExpanded)) {
		return nil, err
	}
	k.URL = u
	return k, nil
}

// keyring holds the keys in force: each until the next of its format.
type keyring []*Key

// set puts a key in force; nil ends them all.
func (r *keyring) set(k *Key) error {
	if k == nil {
		*r = nil
		return nil
	}
	for i, old := range *r {
		if old.Format == k.Format {
			(*r)[i] = k
			return nil
		}
	}
	if len(*r) == maxKeyFormats {
		return fmt.Errorf("more than %d key formats are in force", maxKeyFormats)
	}
	*r = append(*r, k)
	return nil
}

// choice returns the key that can be used, or else the first, or nil.
func (r keyring) choice() *Key {
	for _, k := range r {
		if k.usable() {
			return k
		}
	}
	if len(r) > 0 {
		return r[0]
	}
	return nil
}

// initialization reads an EXT-X-MAP (section 4.4.4.5).
func (s *scope) initialization(value string) (*Map, error) {
	a, err := s.attributes(value)
	if err != nil {
		return nil, err
	}
	m := &Map{}
	if m.URL, err = s.resolve(a.get("URI")); err != nil {
		return nil, err
	}
	if r, ok := a.lookup("BYTERANGE"); ok {
		m.Bytes, _, err = byteRange(r)
	}
	return m, err
}
