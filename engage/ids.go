package engage

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"time"
)

// A decision's id is its number, its time in nanoseconds since 1970 and the first 128 bits of their HMAC-SHA256
// (RFC 2104), all big-endian, as base64url without padding (RFC 4648 section 5): 43 characters.
const (
	idPlain = 16
	idBytes = idPlain + 16
)

// idText is strict: bits that stand for nothing must be 0, or one decision would have several ids.
var idText = base64.RawURLEncoding.Strict()

func newMAC(secret []byte) hash.Hash { return hmac.New(sha256.New, secret) }

// sign returns the id of a decision.
func (e *Engine) sign(number uint64, at time.Time) string {
	r := e.rooms.Get().(*room)
	defer e.rooms.Put(r)
	binary.BigEndian.PutUint64(r.id[:], number)
	binary.BigEndian.PutUint64(r.id[8:], uint64(at.UnixNano()))
	e.seal(r)
	copy(r.id[idPlain:idBytes], r.sum)
	return string(idText.AppendEncode(r.text[:0], r.id[:idBytes]))
}

// verify returns what an id was made of, or ErrForged.
func (e *Engine) verify(id string) (number uint64, at time.Time, err error) {
	if len(id) != idText.EncodedLen(idBytes) {
		return 0, at, ErrForged
	}
	r := e.rooms.Get().(*room)
	defer e.rooms.Put(r)
	if n, err := idText.Decode(r.id[:], append(r.text[:0], id...)); err != nil || n != idBytes {
		return 0, at, ErrForged
	}
	e.seal(r)
	if !hmac.Equal(r.sum[:idBytes-idPlain], r.id[idPlain:idBytes]) {
		return 0, at, ErrForged
	}
	return binary.BigEndian.Uint64(r.id[:]), time.Unix(0, int64(binary.BigEndian.Uint64(r.id[8:]))).UTC(), nil
}

// seal sets r.sum to the HMAC of the number and the time in r.id.
func (e *Engine) seal(r *room) {
	mac := e.mac()
	mac.Reset()
	mac.Write(r.id[:idPlain])
	r.sum = mac.Sum(r.sum[:0])
	e.macs.Put(mac)
}
