package httpapi_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"spotter/httpapi"
)

// followed returns a live stream of who has a credential that access lets in, whose state was told.
func followed(t *testing.T, c httpapi.AccessConfig, credential string) *stream {
	t.Helper()
	c.Log = quiet()
	access, err := httpapi.NewAccess(c)
	if err != nil {
		t.Fatal(err)
	}
	l := newLiveFor(t, httpapi.LiveLimits{Heartbeat: 20 * time.Millisecond}, access)
	s := l.follow(t, "", "Authorization: Bearer "+credential)
	if e := s.next(); e.name != "state" {
		t.Fatalf("%+v, want the stream to begin", e)
	}
	return s
}

// TestLiveEndsWithItsKey withdraws the key, or the token's key, that let a client in.
func TestLiveEndsWithItsKey(t *testing.T) {
	ours, next := bytes.Repeat([]byte("k"), 32), bytes.Repeat([]byte("n"), 32)
	for name, tc := range map[string]struct {
		before func(path string) (httpapi.AccessConfig, string)
		after  func(path string)
	}{
		"a key": {
			func(path string) (httpapi.AccessConfig, string) {
				return httpapi.AccessConfig{KeysFile: path}, keyFor(t, path, "app")
			},
			func(path string) { write(t, path, nil) },
		},
		"a token's key": {
			func(path string) (httpapi.AccessConfig, string) {
				write(t, path, ours)
				return httpapi.AccessConfig{JWT: &httpapi.JWTConfig{SecretFile: path}},
					signed(t, jwt.SigningMethodHS256, ours, "", jwt.MapClaims{"exp": time.Now().Add(time.Hour).Unix()})
			},
			func(path string) { write(t, path, next) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "secret")
			c, credential := tc.before(path)
			s := followed(t, c, credential)
			tc.after(path)
			if err := s.conn.SetDeadline(time.Now().Add(4 * time.Second)); err != nil {
				t.Fatal(err)
			}
			for {
				e, err := s.read()
				if err != nil {
					t.Fatalf("%v, want the stream to be ended", err)
				}
				if e.name == "error" && e.data == `{"reason":"expired"}` {
					return
				}
			}
		})
	}
}

// TestLiveKeepsItsKey changes a file of keys without withdrawing the client's own.
func TestLiveKeepsItsKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	key := keyFor(t, path, "app")
	s := followed(t, httpapi.AccessConfig{KeysFile: path}, key)
	keyFor(t, path, "other")
	if err := s.conn.SetDeadline(time.Now().Add(1500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		e, err := s.read()
		if os.IsTimeout(err) {
			return
		}
		if err != nil || e.name == "error" {
			t.Fatalf("%+v %v, want the stream to go on", e, err)
		}
	}
}

// TestLiveLastsForTheLeeway has a token that is good only by the leeway let a client in.
func TestLiveLastsForTheLeeway(t *testing.T) {
	secret := bytes.Repeat([]byte("k"), 32)
	path := write(t, filepath.Join(t.TempDir(), "secret"), secret)
	token := signed(t, jwt.SigningMethodHS256, secret, "", jwt.MapClaims{"exp": time.Now().Add(-2 * time.Second).Unix()})
	s := followed(t, httpapi.AccessConfig{JWT: &httpapi.JWTConfig{SecretFile: path, Leeway: time.Minute}}, token)
	if e, err := s.read(); err != nil || e.name != ":" {
		t.Errorf("%+v %v, want the stream to last while the token is taken", e, err)
	}
}
