package capture_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"spotter/capture"

	"spotter/internal/testmedia"
)

const base = "http://origin.example/a/list.m3u8"

// kitPlaylists returns the paths of the kit's playlists.
func kitPlaylists(t testing.TB, root string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
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

func TestKitPlaylists(t *testing.T) {
	root := testmedia.Kit(t, "playlists")
	usable, refused := 0, 0
	for _, path := range kitPlaylists(t, root) {
		name, _ := filepath.Rel(root, path)
		p, err := capture.ParsePlaylist(read(t, path), base)
		switch {
		case err != nil && !errors.Is(err, capture.ErrPlaylist):
			t.Errorf("%s: %v does not wrap ErrPlaylist", name, err)
		case err != nil:
			refused++
		case p.Target <= 0 && len(p.Variants) == 0:
			t.Errorf("%s: neither a target duration nor variants", name)
		default:
			usable++
		}
	}
	t.Logf("%d read, %d refused", usable, refused)
}

// expected is m3u8-parser's account of a playlist, as far as package capture reads one.
type expected struct {
	MediaSequence         uint64
	DiscontinuitySequence uint64
	TargetDuration        float64
	PlaylistType          string
	EndList               bool
	Segments              []struct {
		URI           string
		Duration      float64
		Discontinuity bool
		Byterange     *struct{ Length, Offset int64 }
		Key           *struct{ Method, URI string }
		Map           *struct {
			URI       string
			Byterange *struct{ Length, Offset int64 }
		}
	}
}

// repaired says of which playlists m3u8-parser makes what is not written there.
var repaired = map[string]string{
	"extinf":                     "an unreadable duration is the target duration; here 0, and the pictures tell",
	"zeroDuration":               "a duration of 0 is 10 ms; here 0",
	"liveMissingSegmentDuration": "a URI without EXTINF is a segment; here it is skipped (RFC 8216 section 4.3.2.1: REQUIRED)",
	"missingSegmentDuration":     "a URI without EXTINF is a segment",
	"missingExtinf":              "a URI without EXTINF is a segment",
	"multipleTargetDurations":    "a URI without EXTINF is a segment",
	"manifestNoExtM3u":           "#EXTM3U may be missing; here it is no playlist (section 4.3.1.1)",
	"start":                      "a line before #EXTM3U is skipped; here it is no playlist",
	"negativeMediaSequence":      "the media sequence may be negative; here 0 (section 4.3.3.2)",
}

func TestExpectedPlaylists(t *testing.T) {
	paths, err := filepath.Glob(testmedia.Kit(t, "playlists", "m3u8-parser", "*.expected.json"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no expectations: ", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".expected.json")
		t.Run(name, func(t *testing.T) {
			if how, ok := repaired[name]; ok {
				t.Skip("m3u8-parser differs: " + how)
			}
			var want expected
			if err := json.Unmarshal(read(t, path), &want); err != nil {
				t.Fatal(err)
			}
			got, err := capture.ParsePlaylist(read(t, strings.TrimSuffix(path, ".expected.json")+".m3u8"), base)
			if err != nil {
				if len(want.Segments) > 0 && want.TargetDuration > 0 {
					t.Errorf("refused a playlist of %d segments: %v", len(want.Segments), err)
				}
				return
			}
			if got.Variants != nil {
				return
			}
			// m3u8-parser takes a playlist without a type for VOD, and gives the bytes of an IV and the wall clock another shape.
			got.VOD = false
			ignore := cmpopts.IgnoreFields(capture.Reference{}, "IV", "Wall", "Gap")
			if diff := cmp.Diff(wanted(t, &want), got, ignore); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func wanted(t *testing.T, e *expected) *capture.Playlist {
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	resolve := func(s string) string {
		r, err := u.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return r.String()
	}
	seconds := func(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }
	p := &capture.Playlist{Target: seconds(e.TargetDuration), Sequence: e.MediaSequence, Ended: e.EndList, Event: e.PlaylistType == "EVENT"}
	discontinuity := e.DiscontinuitySequence
	for i, s := range e.Segments {
		if s.Discontinuity {
			discontinuity++
		}
		r := capture.Reference{Sequence: e.MediaSequence + uint64(i), Discontinuity: discontinuity, URL: resolve(s.URI), Duration: seconds(s.Duration)}
		// A target duration that a segment exceeds is raised to it.
		p.Target = max(p.Target, r.Duration.Round(time.Second))
		if s.Byterange != nil {
			r.Offset, r.Length = s.Byterange.Offset, s.Byterange.Length
		}
		if s.Key != nil {
			r.Method, r.Key = s.Key.Method, resolve(s.Key.URI)
		}
		if s.Map != nil {
			r.Map = resolve(s.Map.URI)
			if b := s.Map.Byterange; b != nil {
				r.MapOffset, r.MapLength = b.Offset, b.Length
			}
		}
		p.Segments = append(p.Segments, r)
	}
	return p
}
