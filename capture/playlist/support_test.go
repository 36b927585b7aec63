package playlist_test

import (
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/capture/playlist"
)

// base is where the tests' playlists come from; its query is one that no error may say.
const (
	base  = "http://origin.example/a/list.m3u8"
	token = "s3cret"
	head  = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n"
)

func parseURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// media reads a media playlist that is one.
func media(t testing.TB, text string) *playlist.Media {
	t.Helper()
	m, _, err := playlist.Parse([]byte(text), parseURL(t, base), nil)
	if err != nil {
		t.Fatal(err)
	}
	if m == nil {
		t.Fatal("it was taken for a multivariant playlist")
	}
	return m
}

// compare compares values with addresses as text, those of the tests' origin without their folder.
func compare(t testing.TB, want, got any) {
	t.Helper()
	address := cmp.Transformer("address", func(u *url.URL) string {
		if u == nil {
			return "<nil>"
		}
		return strings.TrimPrefix(u.String(), "http://origin.example/a/")
	})
	if diff := cmp.Diff(want, got, address); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// mediaCase is a playlist and what one wants to know of it.
type mediaCase struct {
	text string
	get  func(*playlist.Media) any
	want any
}

func runMedia(t *testing.T, cases map[string]mediaCase) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		tc := cases[name]
		t.Run(name, func(t *testing.T) { compare(t, tc.want, tc.get(media(t, tc.text))) })
	}
}

// each returns a getter of one thing of every segment.
func each[T any](get func(playlist.Segment) T) func(*playlist.Media) any {
	return func(m *playlist.Media) any {
		var out []T
		for _, s := range m.Segments {
			out = append(out, get(s))
		}
		return out
	}
}

// kitPlaylists returns the paths of the kit's playlists below root.
func kitPlaylists(t testing.TB, root string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(filepath.Ext(path), ".m3u") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
