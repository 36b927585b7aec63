package httpapi

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// JWTConfig says which JSON Web Tokens (RFC 7519) are taken. Exactly one of the files is named.
type JWTConfig struct {
	// JWKSFile holds public keys as a JWK Set (RFC 7517, section 5), for RS256 and ES256, or shared ones for HS256.
	JWKSFile string
	// SecretFile holds the shared secret of HS256: 32 bytes at least (RFC 7518, section 3.2). White space around it does
	// not count.
	SecretFile string
	// Issuer must be the claim "iss"; empty takes any.
	Issuer string
	// Audience must be in the claim "aud"; empty takes only tokens without one (RFC 7519, section 4.1.3).
	Audience string
	// Leeway is how far the clock of who issues tokens may be off; 0 to 5 minutes.
	Leeway time.Duration
}

// maxTokens is half of how many verified tokens are kept: verifying one takes some 100 us, a look-up 2.
const maxTokens = 32 << 10

// tokens knows viewers by their JSON Web Tokens.
type tokens struct {
	file   *reloaded[*verifier]
	leeway time.Duration
}

// verifier checks tokens by one set of keys, and forgets them with it: a key that is taken away ends its tokens.
type verifier struct {
	keys     []verifyingKey
	parser   *jwt.Parser
	audience string
	verified *recent[[sha256.Size]byte, *Identity]
}

func openTokens(c JWTConfig, log *slog.Logger) (*tokens, error) {
	if (c.JWKSFile == "") == (c.SecretFile == "") {
		return nil, errors.New("jwt: name either a file with a JWK Set or one with a secret")
	}
	path, parse := c.JWKSFile, parseJWKS
	if path == "" {
		path, parse = c.SecretFile, parseSecret
	}
	t := &tokens{leeway: c.Leeway}
	var err error
	t.file, err = openReloaded(log, func(contents [][]byte) (*verifier, error) {
		keys, err := parse(contents[0])
		if err != nil {
			return nil, err
		}
		return newVerifier(c, keys), nil
	}, path)
	if err != nil {
		return nil, fmt.Errorf("jwt: %w", err)
	}
	return t, nil
}

func newVerifier(c JWTConfig, keys []verifyingKey) *verifier {
	var algorithms []string
	for _, k := range keys {
		if !slices.Contains(algorithms, k.algorithm) {
			algorithms = append(algorithms, k.algorithm)
		}
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(algorithms), jwt.WithExpirationRequired(), jwt.WithLeeway(c.Leeway), jwt.WithStrictDecoding(),
	}
	if c.Issuer != "" {
		options = append(options, jwt.WithIssuer(c.Issuer))
	}
	if c.Audience != "" {
		options = append(options, jwt.WithAudience(c.Audience))
	}
	return &verifier{keys, jwt.NewParser(options...), c.Audience, newRecent[[sha256.Size]byte, *Identity](maxTokens)}
}

// known implements authenticator.
func (t *tokens) known(credential []byte, now time.Time) (*Identity, bool) {
	id, ok := t.file.get(now).verified.get(sha256.Sum256(credential))
	if !ok || !now.Before(id.Until.Add(t.leeway)) {
		return nil, false
	}
	return id, true
}

// holds implements authenticator. Other keys end all streams, for a token is not kept: those that are still good are let in
// again.
func (t *tokens) holds(id *Identity, _ string, now time.Time) bool {
	return t.file.get(now) == id.by && now.Before(id.Until.Add(t.leeway))
}

// verify implements authenticator.
func (t *tokens) verify(credential []byte, now time.Time) (*Identity, error) {
	v := t.file.get(now)
	var c claims
	if _, err := v.parser.ParseWithClaims(string(credential), &c, v.key); err != nil {
		return nil, tokenFault(err)
	}
	if v.audience == "" && len(c.Audience) > 0 {
		return nil, tokenFault(jwt.ErrTokenInvalidAudience)
	}
	id := &Identity{Viewer: c.Subject, Profile: c.Profile, Until: c.ExpiresAt.Time, who: t, by: v}
	if c.Media != nil {
		id.limitTo(c.Media)
	}
	return v.verified.add(sha256.Sum256(credential), id), nil
}

// key returns the keys that a token may be signed with: of its algorithm, and of its key id where it says one.
func (v *verifier) key(t *jwt.Token) (any, error) {
	// What is critical and not understood must not be taken (RFC 7515, section 4.1.11); nothing of it is understood here.
	if _, critical := t.Header["crit"]; critical {
		return nil, errors.New("critical extension")
	}
	id, named := t.Header["kid"].(string)
	var set jwt.VerificationKeySet
	for _, k := range v.keys {
		if k.algorithm == t.Method.Alg() && (!named || k.id == "" || k.id == id) {
			set.Keys = append(set.Keys, k.key)
		}
	}
	if len(set.Keys) == 0 {
		return nil, errors.New("no key")
	}
	return set, nil
}

// claims are what a token says of a viewer.
type claims struct {
	jwt.RegisteredClaims
	Media   mediaClaim     `json:"media"`
	Profile map[string]any `json:"profile"`
}

// mediaClaim is one media or a list of them; nil where the claim is absent.
type mediaClaim []string

// UnmarshalJSON implements json.Unmarshaler. A claim that says nothing is not the same as none: it is refused.
func (m *mediaClaim) UnmarshalJSON(text []byte) error {
	var one string
	if len(text) > 0 && text[0] == '"' {
		err := json.Unmarshal(text, &one)
		*m = mediaClaim{one}
		return err
	}
	list := []string(nil)
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	if list == nil {
		return errors.New("media is neither an id nor a list of them")
	}
	*m = list
	return nil
}

// tokenFault says what is wrong with a token in words that repeat nothing of it.
func tokenFault(err error) error {
	for _, fault := range []struct {
		is   error
		says string
	}{
		{jwt.ErrTokenMalformed, "the token cannot be read"},
		{jwt.ErrTokenExpired, "the token has expired"},
		{jwt.ErrTokenNotValidYet, "the token is not valid yet"},
		{jwt.ErrTokenInvalidAudience, "the token is for another audience"},
		{jwt.ErrTokenInvalidIssuer, "the token is from another issuer"},
		{jwt.ErrTokenRequiredClaimMissing, "the token lacks a claim that it must have"},
		{jwt.ErrTokenInvalidClaims, "a claim of the token is not valid"},
	} {
		if errors.Is(err, fault.is) {
			return errors.New(fault.says)
		}
	}
	return errors.New("the token is not signed by a key of this box with an algorithm that fits it")
}
