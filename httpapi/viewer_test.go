package httpapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPreflight(t *testing.T) {
	c := client(t, newViewer(cup()))
	for _, path := range []string{"/v1/media", "/v1/media/cup-final", "/v1/media/cup-final/context", "/v1/media/cup-final/timeline"} {
		resp, body := send(t, c, http.MethodOptions, path, "Origin", "https://player.example", "Access-Control-Request-Method", "GET")
		got := []string{resp.Status, body, resp.Header.Get("Access-Control-Allow-Origin"), resp.Header.Get("Access-Control-Allow-Methods")}
		if diff := cmp.Diff([]string{"204 No Content", "", "*", "GET, HEAD"}, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	resp, body := send(t, c, http.MethodOptions, "/v2")
	checkProblem(t, resp, body, 404, "")
}

func TestPage(t *testing.T) {
	resp, body := send(t, client(t, newViewer(cup())), http.MethodGet, "/")
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Error(policy)
	}
	for _, element := range []string{"script", "style"} {
		parts := strings.Split(body, "<"+element+">")
		if len(parts) != 2 {
			t.Fatalf("%d elements %s", len(parts)-1, element)
		}
		content, _, _ := strings.Cut(parts[1], "</"+element+">")
		sum := sha256.Sum256([]byte(content))
		if want := element + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(policy, want) {
			t.Errorf("%s lacks %s", policy, want)
		}
	}
	for _, forbidden := range []string{"innerHTML", "insertAdjacent", "document.write", " style=", " onclick=", "src=\"http", "href=\"http", "url("} {
		if strings.Contains(body, forbidden) {
			t.Errorf("the page has %q", forbidden)
		}
	}
}
