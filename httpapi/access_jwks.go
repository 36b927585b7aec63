package httpapi

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// Least sizes of keys (RFC 7518, sections 3.2 and 3.3), and the greatest of RSA: a larger one makes each check cost more
// than it is worth.
const (
	minSecret  = 32 // bytes
	minRSABits = 2048
	maxRSABits = 8192
)

// verifyingKey checks signatures of one algorithm and no other, whatever a token says.
type verifyingKey struct {
	id        string // empty where it has none
	algorithm string // HS256, RS256 or ES256
	key       jwt.VerificationKey
}

// parseSecret reads a shared secret of HS256.
func parseSecret(text []byte) ([]verifyingKey, error) {
	secret := bytes.TrimSpace(text)
	if len(secret) < minSecret {
		return nil, fmt.Errorf("HS256 needs a secret of %d bytes at least, such as openssl rand -hex 32 makes", minSecret)
	}
	return []verifyingKey{{algorithm: jwt.SigningMethodHS256.Alg(), key: secret}}, nil
}

// jwk is a JSON Web Key (RFC 7517, section 4; its parameters RFC 7518, section 6).
type jwk struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
	N         string `json:"n"`
	E         string `json:"e"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	K         string `json:"k"`
	D         string `json:"d"`
}

// parseJWKS reads a JWK Set. Keys of other types, uses and algorithms are passed over (RFC 7517, section 5); one that is
// wrong in itself has the whole set refused.
func parseJWKS(text []byte) ([]verifyingKey, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New(`is not a JWK Set: want {"keys":[...]}`)
	}
	var keys []verifyingKey
	seen := map[string]bool{}
	for i, k := range set.Keys {
		key, algorithm, err := k.parse()
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if key == nil || k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != algorithm {
			continue
		}
		if k.ID != "" && seen[algorithm+k.ID] {
			return nil, fmt.Errorf("key %d: its kid is there twice", i+1)
		}
		seen[algorithm+k.ID] = true
		keys = append(keys, verifyingKey{k.ID, algorithm, key})
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no key for HS256, RS256 or ES256")
	}
	return keys, nil
}

// parse returns the key and its algorithm; nil where it is of a kind that is not asked for here.
func (k *jwk) parse() (jwt.VerificationKey, string, error) {
	if k.D != "" {
		return nil, "", errors.New("is a private key: keep it with who issues tokens, and put the public one here")
	}
	switch {
	case k.Type == "RSA":
		key, err := k.rsa()
		return key, jwt.SigningMethodRS256.Alg(), err
	case k.Type == "EC" && k.Curve == "P-256":
		key, err := k.p256()
		return key, jwt.SigningMethodES256.Alg(), err
	case k.Type == "oct":
		secret, err := decode64(k.K)
		if err == nil && len(secret) < minSecret {
			err = fmt.Errorf("HS256 needs %d bytes at least", minSecret)
		}
		return secret, jwt.SigningMethodHS256.Alg(), err
	}
	return nil, "", nil
}

func (k *jwk) rsa() (jwt.VerificationKey, error) {
	n, err := decode64(k.N)
	if err != nil {
		return nil, err
	}
	e, err := decode64(k.E)
	if err != nil {
		return nil, err
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n)}
	exponent := new(big.Int).SetBytes(e)
	if !exponent.IsInt64() || exponent.Int64() < 3 || exponent.Int64() >= 1<<31 || exponent.Bit(0) == 0 {
		return nil, errors.New("the exponent of RSA is not an odd number from 3 to 2^31")
	}
	key.E = int(exponent.Int64())
	if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
		return nil, fmt.Errorf("RSA with %d bits: want %d to %d", bits, minRSABits, maxRSABits)
	}
	return key, nil
}

func (k *jwk) p256() (jwt.VerificationKey, error) {
	x, err := decode64(k.X)
	if err != nil {
		return nil, err
	}
	y, err := decode64(k.Y)
	if err != nil {
		return nil, err
	}
	// The uncompressed point of SEC 1, section 2.3.4, which is checked to lie on the curve.
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err != nil {
		return nil, errors.New("is not a point of P-256")
	}
	return key, nil
}

// decode64 reads base64url without padding (RFC 7515, section 2); some issuers pad all the same.
func decode64(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil || len(b) == 0 {
		return nil, errors.New("lacks a parameter of its type as base64url")
	}
	return b, nil
}
