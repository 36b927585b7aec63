package capture

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// decrypt undoes AES-128 in CBC mode with PKCS7 padding, in place (RFC 8216 section 4.3.2.4). Without an IV the
// media sequence number is it (section 5.2).
func decrypt(b, key []byte, iv string, sequence uint64) ([]byte, error) {
	if len(key) != KeyBytes {
		return nil, fmt.Errorf("%w: the key has %d bytes in place of %d", ErrEncryption, len(key), KeyBytes)
	}
	if len(b) == 0 || len(b)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("%w: %d bytes are no whole number of blocks", ErrEncryption, len(b))
	}
	v, err := parseIV(iv, sequence)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncryption, err)
	}
	cipher.NewCBCDecrypter(block, v).CryptBlocks(b, b)
	pad := int(b[len(b)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, fmt.Errorf("%w: wrong padding, so the key or the IV is not this segment's", ErrEncryption)
	}
	return b[:len(b)-pad], nil
}

func parseIV(s string, sequence uint64) ([]byte, error) {
	v := make([]byte, aes.BlockSize)
	if s == "" {
		binary.BigEndian.PutUint64(v[8:], sequence)
		return v, nil
	}
	digits := strings.TrimPrefix(strings.ToLower(s), "0x")
	if len(digits) > 2*len(v) {
		return nil, fmt.Errorf("%w: IV %.40q is too long", ErrEncryption, s)
	}
	digits = strings.Repeat("0", 2*len(v)-len(digits)) + digits
	if _, err := hex.Decode(v, []byte(digits)); err != nil {
		return nil, fmt.Errorf("%w: IV %.40q is not hexadecimal", ErrEncryption, s)
	}
	return v, nil
}
