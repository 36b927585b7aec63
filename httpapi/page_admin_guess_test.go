package httpapi_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"spotter/httpapi"
)

// TestGuessedAdminTokensWithLongBodies: that a long body is waited for tells that its token is right, so wrong ones are bounded.
func TestGuessedAdminTokensWithLongBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSteered(t, httpapi.ViewerConfig{})
		long := func(token string) bool {
			var h fasthttp.RequestHeader
			h.SetRequestURI("/admin/v1/gallery")
			h.SetContentLength(100_000)
			h.Set("Authorization", "Bearer "+token)
			return httpapi.LongestBody(s.Server, &h) > 0
		}
		for range 200 {
			if !long(adminToken) {
				t.Fatal("the right token is refused")
			}
		}
		for range 60 {
			if long("wrong") {
				t.Fatal("a wrong token is taken")
			}
		}
		if long(adminToken) {
			t.Error("whoever guesses learns which token is right, however many were wrong")
		}
		time.Sleep(2 * time.Second)
		if !long(adminToken) {
			t.Error("the right token is refused for ever")
		}
	})
}
