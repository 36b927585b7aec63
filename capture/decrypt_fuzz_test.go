package capture_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"testing"

	"spotter/capture"
)

// FuzzDecrypt checks that decryption refuses with ErrEncryption what it cannot read, and never gives out more than it got;
// and that it undoes encryption.
func FuzzDecrypt(f *testing.F) {
	for _, iv := range []string{"", iv, "0x0", "0X1", "zz", "0x" + string(bytes.Repeat([]byte("f"), 33))} {
		f.Add(make([]byte, 32), make([]byte, capture.KeyBytes), iv, uint64(1<<63))
		f.Add([]byte("short"), []byte("key"), iv, uint64(0))
	}
	f.Fuzz(func(t *testing.T, body, key []byte, iv string, sequence uint64) {
		plain, err := capture.Decrypt(bytes.Clone(body), key, iv, sequence)
		switch {
		case err != nil && !errors.Is(err, capture.ErrEncryption):
			t.Fatalf("%v does not wrap ErrEncryption", err)
		case err == nil && (len(plain) >= len(body) || len(body)-len(plain) > aes.BlockSize):
			t.Fatalf("%d bytes out of %d", len(plain), len(body))
		case len(key) != capture.KeyBytes:
			return
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		pad := aes.BlockSize - len(body)%aes.BlockSize
		coded := append(bytes.Clone(body), bytes.Repeat([]byte{byte(pad)}, pad)...)
		cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(coded, coded)
		if back, err := capture.Decrypt(coded, key, "0x0", sequence); err != nil || !bytes.Equal(back, body) {
			t.Fatalf("%d bytes come back as %d: %v", len(body), len(back), err)
		}
	})
}
