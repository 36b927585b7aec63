package httpapi_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
)

func signed(t testing.TB, method jwt.SigningMethod, key any, kid string, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rsaJWK(kid string, key *rsa.PrivateKey) map[string]string {
	return map[string]string{
		"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes()),
	}
}

func ecJWK(t testing.TB, kid string, key *ecdsa.PrivateKey) map[string]string {
	t.Helper()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"kty": "EC", "kid": kid, "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
}

func jwks(t testing.TB, keys ...map[string]string) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newRSA(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newEC(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// with returns good claims with some changed; nil takes one away.
func with(changed jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "viewer-7", "iss": "https://id.example", "aud": []string{"spotter"}, "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range changed {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func TestTokens(t *testing.T) {
	ours, theirs, elliptical := newRSA(t, 2048), newRSA(t, 2048), newEC(t, elliptic.P256())
	shared := bytes.Repeat([]byte{7}, 32)
	path := write(t, filepath.Join(t.TempDir(), "jwks.json"), jwks(t,
		rsaJWK("r1", ours), ecJWK(t, "e1", elliptical),
		map[string]string{"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": "AAAA"}, // not asked for here
		map[string]string{"kty": "oct", "kid": "h1", "k": b64(shared)}))
	s := guarded(t, httpapi.AccessConfig{JWT: &httpapi.JWTConfig{
		JWKSFile: path, Issuer: "https://id.example", Audience: "spotter", Leeway: 5 * time.Second,
	}})
	rs := func(changed jwt.MapClaims) string {
		return signed(t, jwt.SigningMethodRS256, ours, "r1", with(changed))
	}
	public, err := x509.MarshalPKIXPublicKey(&ours.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	critical := jwt.NewWithClaims(jwt.SigningMethodRS256, with(nil))
	critical.Header["crit"] = []string{"exp"}
	crit, err := critical.SignedString(ours)
	if err != nil {
		t.Fatal(err)
	}
	const unsigned = "the token is not signed by a key of this box with an algorithm that fits it"
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	for name, tc := range map[string]struct {
		token  string
		status int
		says   string
	}{
		"RS256":               {rs(nil), 200, ""},
		"ES256":               {signed(t, jwt.SigningMethodES256, elliptical, "e1", with(nil)), 200, ""},
		"HS256":               {signed(t, jwt.SigningMethodHS256, shared, "h1", with(nil)), 200, ""},
		"no kid":              {signed(t, jwt.SigningMethodRS256, ours, "", with(nil)), 200, ""},
		"kid of another key":  {signed(t, jwt.SigningMethodRS256, ours, "e1", with(nil)), 401, unsigned},
		"unknown kid":         {signed(t, jwt.SigningMethodRS256, ours, "r9", with(nil)), 401, unsigned},
		"foreign key":         {signed(t, jwt.SigningMethodRS256, theirs, "r1", with(nil)), 401, unsigned},
		"none":                {signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "r1", with(nil)), 401, unsigned},
		"public key as HS256": {signed(t, jwt.SigningMethodHS256, asPEM, "r1", with(nil)), 401, unsigned},
		"modulus as HS256":    {signed(t, jwt.SigningMethodHS256, ours.N.Bytes(), "", with(nil)), 401, unsigned},
		"RS512":               {signed(t, jwt.SigningMethodRS512, ours, "r1", with(nil)), 401, unsigned},
		"PS256":               {signed(t, jwt.SigningMethodPS256, ours, "r1", with(nil)), 401, unsigned},
		"crit":                {crit, 401, unsigned},
		"altered":             {rs(nil)[:40] + "A" + rs(nil)[41:], 401, ""},
		"no token":            {"what.is.this", 401, "the token cannot be read"},
		"no dots":             {"secret", 401, "the token cannot be read"},
		"expired":             {rs(jwt.MapClaims{"exp": ago(time.Minute)}), 401, "the token has expired"},
		"expired in leeway":   {rs(jwt.MapClaims{"exp": ago(2 * time.Second)}), 200, ""},
		"without exp":         {rs(jwt.MapClaims{"exp": nil}), 401, "the token lacks a claim that it must have"},
		"not yet":             {rs(jwt.MapClaims{"nbf": ago(-time.Minute)}), 401, "the token is not valid yet"},
		"not yet in leeway":   {rs(jwt.MapClaims{"nbf": ago(-2 * time.Second)}), 200, ""},
		"another issuer":      {rs(jwt.MapClaims{"iss": "https://evil.example"}), 401, "the token is from another issuer"},
		"no issuer":           {rs(jwt.MapClaims{"iss": nil}), 401, "the token lacks a claim that it must have"},
		"another audience":    {rs(jwt.MapClaims{"aud": "shop"}), 401, "the token is for another audience"},
		"no audience":         {rs(jwt.MapClaims{"aud": nil}), 401, "the token lacks a claim that it must have"},
		"its media":           {rs(jwt.MapClaims{"media": "cup-final"}), 200, ""},
		"its media listed":    {rs(jwt.MapClaims{"media": []string{"semi", "cup-final"}}), 200, ""},
		"other media":         {rs(jwt.MapClaims{"media": "semi"}), 403, `your key or token is not for media "cup-final"`},
		"no media at all":     {rs(jwt.MapClaims{"media": []string{}}), 403, `your key or token is not for media "cup-final"`},
		"media is a number":   {rs(jwt.MapClaims{"media": 7}), 401, "the token cannot be read"},
		"media is null":       {rs(jwt.MapClaims{"media": json.RawMessage("null")}), 401, "the token cannot be read"},
		"profile is a list":   {rs(jwt.MapClaims{"profile": []int{1}}), 401, "the token cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the second time it may be known
				ctx := ask(s, "GET", lookUpPath, "", "Authorization", "Bearer "+tc.token)
				if got := ctx.Response.StatusCode(); got != tc.status {
					t.Fatalf("status %d, want %d: %s", got, tc.status, ctx.Response.Body())
				}
				if tc.says == "" {
					continue
				}
				if says, _ := detail(t, ctx); says != tc.says {
					t.Errorf("says %q, want %q", says, tc.says)
				}
			}
		})
	}
}

func TestTokenTellsWhoAsks(t *testing.T) {
	secret := bytes.Repeat([]byte("k"), 32)
	path := write(t, filepath.Join(t.TempDir(), "secret"), append(secret, '\n'))
	s := guarded(t, httpapi.AccessConfig{JWT: &httpapi.JWTConfig{SecretFile: path}})
	token := signed(t, jwt.SigningMethodHS256, secret, "", with(jwt.MapClaims{"aud": nil, "profile": map[string]any{"age": 34, "team": "reds"}}))
	for range 2 {
		id := httpapi.IdentityOf(ask(s, "GET", lookUpPath+"&key="+token, ""))
		if id == nil || id.Viewer != "viewer-7" || id.Key != "" || !id.MayAsk("early") || id.Until.IsZero() {
			t.Fatalf("got %+v", id)
		}
		if diff := cmp.Diff(map[string]any{"age": 34.0, "team": "reds"}, id.Profile); diff != "" {
			t.Error(diff)
		}
	}
	// A token says for whom it is, and this box was not told to be that one.
	other := signed(t, jwt.SigningMethodHS256, secret, "", with(nil))
	if says, _ := detail(t, ask(s, "GET", lookUpPath, "", "Authorization", "Bearer "+other)); says != "the token is for another audience" {
		t.Error(says)
	}
}

func TestKnownTokensEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := newEC(t, elliptic.P256()), newEC(t, elliptic.P256())
		path := write(t, filepath.Join(t.TempDir(), "jwks.json"), jwks(t, ecJWK(t, "old", old)))
		s := guarded(t, httpapi.AccessConfig{JWT: &httpapi.JWTConfig{JWKSFile: path, Audience: "spotter"}})
		status := func(token string) int {
			return ask(s, "GET", lookUpPath, "", "Authorization", "Bearer "+token).Response.StatusCode()
		}
		short := signed(t, jwt.SigningMethodES256, old, "old", with(jwt.MapClaims{"exp": time.Now().Add(time.Minute).Unix()}))
		long := signed(t, jwt.SigningMethodES256, old, "old", with(nil))
		if a, b := status(short), status(long); a != 200 || b != 200 {
			t.Fatal(a, b)
		}
		time.Sleep(time.Minute)
		if got := status(short); got != 401 {
			t.Errorf("after its end: %d", got)
		}
		write(t, path, jwks(t, ecJWK(t, "old", old), ecJWK(t, "next", next)))
		time.Sleep(time.Second)
		rotated := signed(t, jwt.SigningMethodES256, next, "next", with(nil))
		if a, b := status(long), status(rotated); a != 200 || b != 200 {
			t.Errorf("with both keys: %d, %d", a, b)
		}
		write(t, path, jwks(t, ecJWK(t, "next", next)))
		time.Sleep(time.Second)
		if a, b := status(long), status(rotated); a != 401 || b != 200 {
			t.Errorf("with the next key alone: %d, %d", a, b)
		}
	})
}

func TestUnfitKeyFilesAreRefused(t *testing.T) {
	weak, private := rsaJWK("weak", newRSA(t, 1024)), rsaJWK("p", newRSA(t, 2048))
	private["d"] = "AAAA"
	encrypting := rsaJWK("enc", newRSA(t, 2048))
	encrypting["use"] = "enc"
	off := ecJWK(t, "off", newEC(t, elliptic.P256()))
	off["y"] = off["x"]
	twice := ecJWK(t, "e", newEC(t, elliptic.P256()))
	for name, tc := range map[string]struct {
		jwks, secret []byte
		says         string
	}{
		"not JSON":       {jwks: []byte("-----BEGIN PUBLIC KEY-----"), says: "is not a JWK Set"},
		"no keys":        {jwks: []byte(`{"keys":[]}`), says: "holds no key for HS256, RS256 or ES256"},
		"weak RSA":       {jwks: jwks(t, weak), says: "key 1: RSA with 1024 bits: want 2048 to 8192"},
		"private":        {jwks: jwks(t, private), says: "key 1: is a private key"},
		"for encryption": {jwks: jwks(t, encrypting), says: "holds no key"},
		"off the curve":  {jwks: jwks(t, off), says: "key 1: is not a point of P-256"},
		"kid twice":      {jwks: jwks(t, twice, twice), says: "key 2: its kid is there twice"},
		"short oct":      {jwks: jwks(t, map[string]string{"kty": "oct", "k": "AAAA"}), says: "key 1: HS256 needs 32 bytes"},
		"no k":           {jwks: jwks(t, map[string]string{"kty": "oct"}), says: "key 1: lacks a parameter"},
		"short secret":   {secret: []byte("password\n"), says: "HS256 needs a secret of 32 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			c := httpapi.JWTConfig{}
			if tc.jwks != nil {
				c.JWKSFile = write(t, filepath.Join(t.TempDir(), "f"), tc.jwks)
			} else {
				c.SecretFile = write(t, filepath.Join(t.TempDir(), "f"), tc.secret)
			}
			_, err := httpapi.NewAccess(httpapi.AccessConfig{JWT: &c, Log: quiet()})
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
		})
	}
}
