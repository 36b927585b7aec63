package playlist_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spotter/capture/playlist"
	"spotter/internal/testmedia"
)

// refused are the playlists of the kit that are not read, with the reason.
var refused = map[string]string{
	"eyevinn-hls-m3u8/master-with-defines-invalid.m3u8":              `variant 1: EXT-X-DEFINE: the multivariant playlist defines no variable "Define1"`,
	"eyevinn-hls-m3u8/media-playlist-with-iframes-only-and-map.m3u8": noTarget,
	"eyevinn-hls-m3u8/media-playlist-with-iframes-only.m3u8":         noTarget,
	"globocom/DATERANGE_IN_PART_PLAYLIST.m3u8":                       noTarget,
	"globocom/GAP_IN_PARTS_PLAYLIST.m3u8":                            noTarget,
	"globocom/IPTV_PLAYLIST_WITH_CUSTOM_TAGS.m3u8":                   noTarget,
	"globocom/IPTV_PLAYLIST_WITH_EARLY_EXTINF.m3u8":                  noTarget,
	"globocom/MULTIPLE_SESSION_DATA_PLAYLIST.m3u8":                   noTarget,
	"globocom/SESSION_DATA_PLAYLIST.m3u8":                            noTarget,
	"globocom/VERSION_PLAYLIST.m3u8":                                 noTarget,
	"m3u8-parser/headerOnly.m3u8":                                    noTarget,
	"globocom/VARIANT_PLAYLIST_WITH_IFRAME_STABLE_VARIANT_ID.m3u8":   noHeader,
	"globocom/VARIANT_PLAYLIST_WITH_STABLE_RENDITION_ID.m3u8":        noHeader,
	"globocom/VARIANT_PLAYLIST_WITH_STABLE_VARIANT_ID.m3u8":          noHeader,
	"globocom/WINDOWS_PLAYLIST.m3u8":                                 noHeader,
	"http-streaming/manifestNoExtM3u.m3u8":                           noHeader,
	"m3u8-parser/manifestNoExtM3u.m3u8":                              noHeader,
	"m3u8-parser/start.m3u8":                                         noHeader,
	"m3u8-parser/empty.m3u8":                                         "it is empty",
}

const (
	noTarget = "it has neither variants nor an EXT-X-TARGETDURATION"
	noHeader = "it does not begin with #EXTM3U"
)

func TestKitPlaylists(t *testing.T) {
	root := testmedia.Kit(t, "playlists")
	count := 0
	reasons := map[string]string{}
	for _, path := range kitPlaylists(t, root) {
		name, _ := filepath.Rel(root, path)
		m, v, err := playlist.Parse(read(t, path), parseURL(t, base+"?Define2=2"), map[string]string{"Define3": "3"})
		switch {
		case err != nil:
			if !errors.Is(err, playlist.ErrFormat) {
				t.Errorf("%s: %v does not wrap ErrFormat", name, err)
			}
			reasons[filepath.ToSlash(name)] = strings.TrimPrefix(err.Error(), playlist.ErrFormat.Error()+": ")
		case (m == nil) == (v == nil):
			t.Errorf("%s: not exactly one result", name)
		default:
			count++
		}
	}
	t.Logf("%d read, %d refused", count, len(reasons))
	compare(t, refused, reasons)
}

// expected is m3u8-parser's account of a playlist, as far as this package reads one.
type expected struct {
	MediaSequence         int64
	DiscontinuitySequence uint64
	TargetDuration        float64
	PartTargetDuration    float64
	PlaylistType          string
	EndList, IFramesOnly  bool
	DateTimeString        string
	Skip                  struct{ SkippedSegments int }
	Segments              []expectedSegment
	PreloadSegment        struct{ Parts []expectedPart }
	Playlists             []expectedVariant
	IFramePlaylists       []expectedVariant
}

type expectedSegment struct {
	URI             string
	Duration        float64
	Discontinuity   bool
	Byterange       playlist.Range
	ProgramDateTime float64 // ms
	Key             *expectedKey
	Map             *struct {
		URI       string
		Byterange playlist.Range
		Key       *expectedKey
	}
	Parts []expectedPart
}

type expectedKey struct {
	Method, URI string
	IV          []uint32
}

type expectedPart struct {
	URI              string
	Duration         float64
	Byterange        playlist.Range
	Independent, Gap bool
}

type expectedVariant struct {
	URI        string
	Attributes struct {
		Bandwidth  int `json:"BANDWIDTH"`
		Codecs     string
		Resolution struct{ Width, Height int }
		FrameRate  float64 `json:"FRAME-RATE"`
		VideoRange string  `json:"VIDEO-RANGE"`
	}
}

// repaired says of which playlists m3u8-parser makes what is not written there.
var repaired = map[string]func(*expected){
	// A duration of 0 becomes 10 ms; here it stays 0.
	"zeroDuration": func(e *expected) { e.Segments[0].Duration = 0 },
	// A media sequence number may be negative; here such a one is 0 (RFC 8216 section 4.3.3.2).
	"negativeMediaSequence": func(e *expected) { e.MediaSequence = 0 },
	// A part without an offset continues the one before only within a segment; here also across (rfc8216bis 4.4.4.9).
	"llhls-delta-byte-range": func(e *expected) { e.PreloadSegment.Parts[0].Byterange.Offset = 8096148 + 22444 },
	// #EXTM3U may be missing; here that is no playlist (RFC 8216 section 4.3.1.1).
	"manifestNoExtM3u": func(e *expected) { e.Segments = nil },
	"start":            func(e *expected) { e.Segments = nil },
}

func TestExpectedPlaylists(t *testing.T) {
	paths, err := filepath.Glob(testmedia.Kit(t, "playlists", "m3u8-parser", "*.expected.json"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no expectations: ", err)
	}
	compared := 0
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".expected.json")
		t.Run(name, func(t *testing.T) {
			var want expected
			if err := json.Unmarshal(read(t, path), &want); err != nil {
				t.Fatal(err)
			}
			if mend, ok := repaired[name]; ok {
				mend(&want)
			}
			m, v, err := playlist.Parse(read(t, strings.TrimSuffix(path, ".expected.json")+".m3u8"), parseURL(t, base), nil)
			switch {
			case err != nil && (len(want.Segments) > 0 || len(want.Playlists) > 0):
				t.Errorf("refused a playlist of %d segments and %d variants: %v", len(want.Segments), len(want.Playlists), err)
			case err != nil:
			case m != nil && want.PartTargetDuration == 0:
				m.PartTarget = 0 // the longest part's, where EXT-X-PART-INF is missing
				fallthrough
			case m != nil:
				compare(t, want.media(t), plain(m))
			default:
				compare(t, variants(t, want.Playlists), v.Variants)
				compare(t, variants(t, want.IFramePlaylists), v.IFrames)
			}
			compared++
		})
	}
	t.Logf("%d compared, %d of them mended", compared, len(repaired))
}

// plain leaves out what m3u8-parser does not tell of: it takes a playlist without a type for VOD.
func plain(m *playlist.Media) *playlist.Media {
	out := &playlist.Media{
		Target: m.Target, PartTarget: m.PartTarget, Sequence: m.Sequence, Discontinuity: m.Discontinuity, Ended: m.Ended,
		Event: m.Event, IFramesOnly: m.IFramesOnly, Skipped: m.Skipped, Parts: m.Parts,
	}
	for _, s := range m.Segments {
		s.Gap, s.Cues = false, nil
		s.Wall = s.Wall.Round(time.Millisecond)
		out.Segments = append(out.Segments, s)
	}
	return out
}

func (e *expected) media(t *testing.T) *playlist.Media {
	t.Helper()
	m := &playlist.Media{
		Target: duration(e.TargetDuration), PartTarget: duration(e.PartTargetDuration), Sequence: uint64(e.MediaSequence),
		Discontinuity: e.DiscontinuitySequence, Ended: e.EndList, Event: e.PlaylistType == "EVENT", Skipped: e.Skip.SkippedSegments,
		IFramesOnly: e.IFramesOnly, Parts: parts(t, e.PreloadSegment.Parts),
	}
	discontinuity := e.DiscontinuitySequence
	for i, s := range e.Segments {
		if s.Discontinuity {
			discontinuity++
		}
		g := playlist.Segment{
			Sequence: uint64(e.MediaSequence) + uint64(e.Skip.SkippedSegments+i), Discontinuity: discontinuity, URL: resolve(t, s.URI),
			Duration: duration(s.Duration), Bytes: s.Byterange, Parts: parts(t, s.Parts), Key: s.Key.key(t),
		}
		if s.ProgramDateTime != 0 {
			g.Wall = time.UnixMilli(int64(math.Round(s.ProgramDateTime))).UTC()
		}
		if s.Map != nil {
			g.Map = &playlist.Map{URL: resolve(t, s.Map.URI), Bytes: s.Map.Byterange, Key: s.Map.Key.key(t)}
		}
		// A target duration that a segment exceeds is raised to it.
		m.Target = max(m.Target, g.Duration.Round(time.Second))
		m.Segments = append(m.Segments, g)
	}
	return m
}

func (k *expectedKey) key(t *testing.T) *playlist.Key {
	if k == nil {
		return nil
	}
	return &playlist.Key{Method: k.Method, URL: resolve(t, k.URI), IV: k.iv()}
}

func (k *expectedKey) iv() string {
	s := ""
	for _, word := range k.IV {
		s += fmt.Sprintf("%08X", word)
	}
	if s != "" {
		s = "0x" + s
	}
	return s
}

func parts(t *testing.T, list []expectedPart) (out []playlist.Part) {
	for _, p := range list {
		out = append(out, playlist.Part{
			URL: resolve(t, p.URI), Bytes: p.Byterange, Duration: duration(p.Duration), Independent: p.Independent, Gap: p.Gap,
		})
	}
	return out
}

func variants(t *testing.T, list []expectedVariant) (out []playlist.Variant) {
	for _, v := range list {
		a := v.Attributes
		out = append(out, playlist.Variant{
			URL: resolve(t, v.URI), Bandwidth: a.Bandwidth, Width: a.Resolution.Width, Height: a.Resolution.Height,
			Codecs: a.Codecs, FrameRate: a.FrameRate, VideoRange: a.VideoRange,
		})
	}
	return out
}

func resolve(t *testing.T, s string) *url.URL {
	return parseURL(t, base).ResolveReference(parseURL(t, s))
}

func duration(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }
