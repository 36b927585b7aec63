package httpapi_test

import (
	"net/http"
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
