package httpapi

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"
)

// keyPrefix lets scanners for leaked secrets, and people, see what a key is for.
const keyPrefix = "spotter_"

// keyName is what names of keys and ids of media may look like.
var keyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Key is one line of a file of API keys, which holds no key but its hash.
type Key struct {
	// Name is of whom the key was given to: 1 to 64 letters, digits, dots, dashes and underscores.
	Name string
	// Hash is the SHA-256 of the key as it is sent. A slow hash with salt, such as passwords need, would add nothing: a
	// key is 256 random bits, which no list of guesses holds, and it is hashed on each request.
	Hash [sha256.Size]byte
	// Media are the only ones that may be asked for; nil stands for all.
	Media []string
}

// NewKey returns a new random key and its line, good for all media. The key itself is kept nowhere.
func NewKey(name string) (secret string, k Key) {
	var random [32]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	secret = keyPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	return secret, Key{Name: name, Hash: sha256.Sum256([]byte(secret))}
}

// String returns the line of the file, such as app:9f86d081...:cup-final,cup-second.
func (k Key) String() string {
	line := k.Name + ":" + hex.EncodeToString(k.Hash[:])
	if k.Media != nil {
		line += ":" + strings.Join(k.Media, ",")
	}
	return line
}

// ParseKeys reads a file of keys: one a line as Key.String has it; empty lines and those that begin with # are comments.
// An error names the line and says what a line looks like.
func ParseKeys(text []byte) ([]Key, error) {
	var keys []Key
	names := map[string]bool{}
	hashes := map[[sha256.Size]byte]bool{}
	number := 0
	for line := range strings.Lines(string(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseKey(line)
		switch {
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", number, err)
		case names[k.Name]:
			return nil, fmt.Errorf("line %d: %s is there twice", number, k.Name)
		case hashes[k.Hash]:
			return nil, fmt.Errorf("line %d: %s has the key of another name", number, k.Name)
		}
		names[k.Name], hashes[k.Hash] = true, true
		keys = append(keys, k)
	}
	return keys, nil
}

// parseKey reads one line. Its errors repeat nothing of it: it may be a key that somebody put there by mistake.
func parseKey(line string) (Key, error) {
	var k Key
	parts := strings.Split(line, ":")
	if len(parts) < 2 || len(parts) > 3 || !keyName.MatchString(parts[0]) {
		return k, errors.New("want name:hash or name:hash:media,media, as spotter keys add writes it")
	}
	k.Name = parts[0]
	hash, err := hex.DecodeString(parts[1])
	if err != nil || len(hash) != len(k.Hash) {
		return k, errors.New("the hash is not SHA-256 as 64 hexadecimal digits")
	}
	copy(k.Hash[:], hash)
	if len(parts) == 3 {
		k.Media = strings.Split(parts[2], ",")
		for _, id := range k.Media {
			if !keyName.MatchString(id) {
				return k, errors.New("a media is not an id; leave the last colon out for all media")
			}
		}
	}
	return k, nil
}

// keys knows clients by their API keys.
type keys struct{ file *reloaded[keyTable] }

type keyTable map[[sha256.Size]byte]*keyEntry

type keyEntry struct {
	hash     [sha256.Size]byte
	identity Identity
}

func openKeys(path string, log *slog.Logger) (*keys, error) {
	k := new(keys)
	var err error
	if k.file, err = openReloaded(log, k.parseTable, path); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return k, nil
}

func (k *keys) parseTable(contents [][]byte) (keyTable, error) {
	list, err := ParseKeys(contents[0])
	if err != nil {
		return nil, err
	}
	table := make(keyTable, len(list))
	for _, one := range list {
		e := &keyEntry{hash: one.Hash, identity: Identity{Key: one.Name, who: k, hash: one.Hash}}
		if one.Media != nil {
			e.identity.limitTo(one.Media)
		}
		table[one.Hash] = e
	}
	return table, nil
}

// known implements authenticator. What finding the entry takes tells of a hash, which nobody can steer, and not of a key;
// the comparison that decides takes the same time for all.
func (k *keys) known(credential []byte, now time.Time) (*Identity, bool) {
	hash := sha256.Sum256(credential)
	e := k.file.get(now)[hash]
	if e == nil || subtle.ConstantTimeCompare(e.hash[:], hash[:]) != 1 {
		return nil, false
	}
	return &e.identity, true
}

// verify implements authenticator: a key that is not known is none.
func (k *keys) verify([]byte, time.Time) (*Identity, error) {
	return nil, errors.New("this key is not known, or was withdrawn")
}

// holds implements authenticator: a key that is withdrawn ends its streams too.
func (k *keys) holds(id *Identity, media string, now time.Time) bool {
	e := k.file.get(now)[id.hash]
	return e != nil && e.identity.MayAsk(media)
}
