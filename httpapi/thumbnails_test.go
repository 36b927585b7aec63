package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
	"spotter/internal/mediatest"
	"spotter/timeline"
)

// album is what pictures there are of each media.
type album struct {
	pictures map[string][]httpapi.Thumbnail
}

// cupPictures are those of the event that the examples tell of.
func cupPictures() map[string][]httpapi.Thumbnail {
	return map[string][]httpapi.Thumbnail{mediatest.CupFinal: {{At: 46_500, Width: 160, Height: 90, Boxes: []httpapi.ThumbnailBox{
		{Name: "Lin-Manuel Miranda", ID: "3Ir0du6", Kind: "celebrity", Confidence: 99.1, Left: 0.25, Top: 0.125, Width: 0.25, Height: 0.5},
		{Name: "Couch", Kind: "object", Confidence: 90, Left: 0, Top: 0.5, Width: 1, Height: 0.5},
	}}}}
}

func (a *album) Within(media string, w timeline.Span, most int) (list []httpapi.Thumbnail, thinned bool, err error) {
	for _, x := range a.pictures[media] {
		if x.At >= w.From && x.At <= w.Until {
			list = append(list, x)
		}
	}
	return list[:min(most, len(list))], len(list) > most, nil
}

func (a *album) JPEG(media string, at timeline.Position) ([]byte, error) {
	if list, _, _ := a.Within(media, timeline.Span{From: at, Until: at}, 1); len(list) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 160, 90)), nil)
	return b.Bytes(), err
}

// tornAlbum can read nothing.
type tornAlbum struct{}

func (tornAlbum) Within(string, timeline.Span, int) ([]httpapi.Thumbnail, bool, error) {
	return nil, false, errors.New("secret cause")
}

func (tornAlbum) JPEG(string, timeline.Position) ([]byte, error) {
	return nil, errors.New("secret cause")
}

func viewerWith(t httpapi.Thumbnails) *httpapi.Server {
	return httpapi.NewViewer(httpapi.ViewerConfig{Media: cup(), Thumbnails: t, Log: quiet()})
}

type thumbnailsAnswer struct {
	Thumbnails []struct {
		Position      float64
		URL           string
		Width, Height int
		Boxes         []httpapi.ThumbnailBox
	}
	Thinned *bool
}

func TestThumbnails(t *testing.T) {
	pictures := map[string][]httpapi.Thumbnail{}
	for i := range timeline.Position(600) {
		pictures[mediatest.CupFinal] = append(pictures[mediatest.CupFinal], httpapi.Thumbnail{At: -100 + 100*i, Width: 160, Height: 90})
	}
	strange := "<b>&/\"é"
	pictures[strange] = []httpapi.Thumbnail{{At: 1, Width: 9, Height: 16, Boxes: cupPictures()[mediatest.CupFinal][0].Boxes}}
	c := client(t, viewerWith(&album{pictures}))
	for _, x := range []struct {
		name, path string
		n          int
		thinned    bool
	}{
		{"closed at both ends", "/v1/media/cup-final/thumbnails?from=10&until=20", 101, false},
		{"before the zero", "/v1/media/cup-final/thumbnails?from=-5&until=0", 2, false},
		{"too many", "/v1/media/cup-final/thumbnails?from=-5&until=100", 500, true},
		{"none", "/v1/media/warm-up/thumbnails?from=0&until=10", 0, false},
		{"of a strange name", "/v1/media/%3Cb%3E&%2F%22%C3%A9/thumbnails?from=0&until=10", 1, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			resp, body := send(t, c, http.MethodGet, x.path)
			var got thumbnailsAnswer
			if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatal(resp.StatusCode, err, body)
			}
			if len(got.Thumbnails) != x.n || (got.Thinned != nil) != x.thinned || strings.Contains(body, "null") {
				t.Errorf("%d pictures: %.200s", len(got.Thumbnails), body)
			}
			if control := resp.Header.Get("Cache-Control"); control != "public, max-age=1" {
				t.Errorf("cached %q", control)
			}
			for _, one := range got.Thumbnails[:min(x.n, 3)] {
				if resp, body := send(t, c, http.MethodGet, one.URL); resp.StatusCode != http.StatusOK {
					t.Error(one.URL, resp.StatusCode, body)
				}
				if ms := fmt.Sprintf("/%d.jpg", int(math.Round(one.Position*1000))); !strings.HasSuffix(one.URL, ms) {
					t.Error(one.URL, one.Position)
				}
			}
		})
	}
	_, body := send(t, c, http.MethodGet, "/v1/media/%3Cb%3E&%2F%22%C3%A9/thumbnails?from=0&until=10")
	var got thumbnailsAnswer
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(pictures[strange][0].Boxes, got.Thumbnails[0].Boxes); d != "" {
		t.Error(d)
	}
}

// TestThumbnailPicture wants a real JPEG that is kept for ever, in no coding, and known again by its tag.
func TestThumbnailPicture(t *testing.T) {
	c := client(t, viewerWith(&album{cupPictures()}))
	const path = "/v1/media/cup-final/thumbnails/46500.jpg"
	resp, body := send(t, c, http.MethodGet, path, "Accept-Encoding", "br, gzip")
	if p, err := jpeg.Decode(strings.NewReader(body)); err != nil || p.Bounds().Dx() != 160 {
		t.Fatal(resp.StatusCode, err)
	}
	h := resp.Header
	if h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Content-Type") != "image/jpeg" || h.Get("Content-Encoding") != "" ||
		h.Get("X-Content-Type-Options") != "nosniff" || resp.ContentLength != int64(len(body)) {
		t.Error(h)
	}
	if resp, body := send(t, c, http.MethodGet, path, "If-None-Match", h.Get("ETag")); resp.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("status %d, %d bytes with the tag", resp.StatusCode, len(body))
	}
	if resp, body := send(t, c, http.MethodHead, path); resp.StatusCode != http.StatusOK || body != "" || resp.Header.Get("ETag") != h.Get("ETag") {
		t.Errorf("HEAD: status %d, %d bytes", resp.StatusCode, len(body))
	}
}

func TestThumbnailsRefuse(t *testing.T) {
	kept, none, torn := client(t, viewerWith(&album{cupPictures()})), client(t, viewerWith(nil)), client(t, viewerWith(tornAlbum{}))
	const list, one = "/v1/media/cup-final/thumbnails", "/v1/media/cup-final/thumbnails/"
	if resp, body := send(t, none, http.MethodGet, list); resp.StatusCode != http.StatusOK || body != `{"thumbnails":[]}` {
		t.Errorf("where none are kept: status %d: %s", resp.StatusCode, body)
	}
	for _, x := range []struct {
		name, path, parameter string
		client                *http.Client
		status                int
	}{
		{"unknown media", "/v1/media/other/thumbnails?from=0&until=1", "", kept, 404},
		{"unknown media before its parameters", "/v1/media/other/thumbnails?from=x", "", kept, 404},
		{"picture of an unknown media", "/v1/media/other/thumbnails/46500.jpg", "", kept, 404},
		{"no number", list + "?from=x&until=1", "from", kept, 400},
		{"given twice", list + "?from=1&from=2", "from", kept, 400},
		{"until before from", list + "?from=2&until=1", "until", kept, 400},
		{"too long", list + "?from=0&until=43201", "from", kept, 400},
		{"gone", one + "46501.jpg", "", kept, 404},
		{"another name of one that is there", one + "046500.jpg", "", kept, 404},
		{"plus", one + "+46500.jpg", "", kept, 404},
		{"beyond all numbers", one + "99999999999999999999.jpg", "", kept, 404},
		{"another format", one + "46500.png", "", kept, 404},
		{"no name", one + ".jpg", "", kept, 404},
		{"hostile", one + strings.Repeat("%00", 1000), "", kept, 404},
		{"no picture is kept", one + "46500.jpg", "", none, 404},
		{"cannot be read", list, "", torn, 500},
		{"picture cannot be read", one + "46500.jpg", "", torn, 500},
	} {
		t.Run(x.name, func(t *testing.T) {
			resp, body := send(t, x.client, http.MethodGet, x.path)
			checkProblem(t, resp, body, x.status, x.parameter)
			if strings.Contains(body, "secret") {
				t.Error(body)
			}
		})
	}
}

// TestThumbnailsAreGuarded wants the key of the media for its pictures too.
func TestThumbnailsAreGuarded(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	key := keyFor(t, keys, "app", "warm-up")
	access, err := httpapi.NewAccess(httpapi.AccessConfig{KeysFile: keys, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, httpapi.NewViewer(httpapi.ViewerConfig{Media: cup(), Thumbnails: &album{cupPictures()}, Access: access, Log: quiet()}))
	for _, path := range []string{"/v1/media/cup-final/thumbnails?from=0&until=60", "/v1/media/cup-final/thumbnails/46500.jpg"} {
		if resp, _ := send(t, c, http.MethodGet, path); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without a key: status %d", path, resp.StatusCode)
		}
		if resp, _ := send(t, c, http.MethodGet, path, "X-API-Key", key); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s with the key of another media: status %d", path, resp.StatusCode)
		}
	}
}
