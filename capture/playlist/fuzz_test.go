package playlist_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"spotter/capture/playlist"
	"spotter/internal/testmedia"
)

func FuzzParse(f *testing.F) {
	for _, cases := range []map[string]mediaCase{mediaCases, keyCases, cueCases, dateRangeCases, partCases} {
		for _, tc := range cases {
			f.Add([]byte(tc.text))
		}
	}
	for _, tc := range refusedCases {
		f.Add([]byte(strings.ReplaceAll(tc.text, token, "x")))
	}
	for _, tc := range defineCases {
		f.Add([]byte(head + tc.tags + "\n#EXTINF:6,\n" + tc.uri + "\n"))
	}
	for _, s := range []string{multivariantText, start + "7\n" + older + newer, start + "7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n" + newer} {
		f.Add([]byte(s))
	}
	if root, ok := testmedia.FindKit(f, "playlists"); ok {
		for _, path := range kitPlaylists(f, root) {
			f.Add(read(f, path))
		}
	}
	u := parseURL(f, base+"?tok=q&token="+token)
	imported := map[string]string{"imp-1": "imported"}
	complete := media(f, start+"7\n"+ranged+older+newer)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, v, err := playlist.Parse(b, u, imported)
		if err != nil {
			secret := strings.Contains(err.Error(), token) && !strings.Contains(string(b), token)
			if !errors.Is(err, playlist.ErrFormat) || m != nil || v != nil || secret || len(err.Error()) > 400 {
				t.Fatalf("error %v with %v, %v", err, m, v)
			}
			return
		}
		if again, v2, err := playlist.Parse(b, u, imported); err != nil || !reflect.DeepEqual(m, again) || !reflect.DeepEqual(v, v2) {
			t.Fatalf("another result the second time: %v", err)
		}
		switch {
		case (m == nil) == (v == nil):
			t.Fatal("not exactly one result")
		case v != nil:
			checkMultivariant(t, v, len(b))
		default:
			checkMedia(t, m, len(b))
			skipped := m.Skipped
			if err := m.Merge(complete); err == nil {
				checkMedia(t, m, len(b)+1000)
				if m.Skipped != 0 || skipped > 0 && len(m.Segments) < skipped {
					t.Fatalf("%d segments of %d skipped", len(m.Segments), skipped)
				}
			}
		}
	})
}

// checkMultivariant and checkMedia also check that there is not more in a playlist than its bytes can name.
func checkMultivariant(t *testing.T, v *playlist.Multivariant, size int) {
	if len(v.Variants) == 0 || 10*(len(v.Variants)+len(v.IFrames)+len(v.Keys)+len(v.Variables)) > size {
		t.Fatalf("%d variants in %d bytes", len(v.Variants), size)
	}
	for _, v := range append(v.Variants, v.IFrames...) {
		if v.URL == nil || v.Bandwidth < 0 || v.Width < 0 || v.Height < 0 || v.FrameRate < 0 {
			t.Fatalf("variant %+v", v)
		}
	}
}

func checkMedia(t *testing.T, m *playlist.Media, size int) {
	if m.Target <= 0 || len(m.Segments)+len(m.Parts)+len(m.Hints)+len(m.Ranges) > size {
		t.Fatalf("target %v, %d segments in %d bytes", m.Target, len(m.Segments), size)
	}
	segments := m.Segments
	for i, s := range segments {
		if s.Sequence != m.Sequence+uint64(m.Skipped)+uint64(i) || s.URL == nil || s.Duration < 0 || s.Duration > 2*m.Target ||
			s.Bytes.Offset < 0 || s.Bytes.Length < 0 || s.Bytes.Offset+s.Bytes.Length < 0 {
			t.Fatalf("segment %d: %+v", i, s)
		}
		if s.Key != nil && (s.Key.Method == "NONE" || s.Key.Method == "" || s.Key.Method == "AES-128" && s.Key.Format == "" && s.Key.URL == nil) {
			t.Fatalf("segment %d: key %+v", i, s.Key)
		}
		if i > 0 && s.Discontinuity < segments[i-1].Discontinuity {
			t.Fatalf("segment %d: discontinuity sequence %d after %d", i, s.Discontinuity, segments[i-1].Discontinuity)
		}
		for _, c := range s.Cues {
			if c.Kind < playlist.CueOut || c.Kind > playlist.CueIn || c.Duration < 0 || c.Elapsed < 0 {
				t.Fatalf("segment %d: cue %+v", i, c)
			}
		}
	}
	for _, p := range m.Parts {
		if p.URL == nil || p.Duration < 0 || p.Duration > m.PartTarget || p.Bytes.Offset+p.Bytes.Length < 0 {
			t.Fatalf("part %+v", p)
		}
	}
}
