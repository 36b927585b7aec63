package playlist_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"spotter/capture/playlist"
)

func at(t testing.TB, name string) playlist.Part {
	t.Helper()
	return playlist.Part{URL: parseURL(t, "http://origin.example/a/"+name), Duration: 500 * time.Millisecond}
}

// partCases has EXT-X-PART with its byte ranges (rfc8216bis section 4.4.4.9).
var partCases = map[string]mediaCase{
	"PART with byte ranges": {
		head + "#EXT-X-PART:DURATION=1,URI=\"v\",BYTERANGE=\"100\"\n#EXT-X-PART:DURATION=1,URI=\"v\",BYTERANGE=50\n#EXT-X-BYTERANGE:150@0\n#EXTINF:2,\nv\n" +
			"#EXT-X-PART:DURATION=1,URI=\"v\",BYTERANGE=7@200\n#EXT-X-PART:DURATION=1,URI=\"v\",BYTERANGE=8\n",
		func(m *playlist.Media) any {
			var out []playlist.Range
			for _, p := range append(m.Segments[0].Parts, m.Parts...) {
				out = append(out, p.Bytes)
			}
			return out
		},
		[]playlist.Range{{Length: 100}, {Offset: 100, Length: 50}, {Offset: 200, Length: 7}, {Offset: 207, Length: 8}},
	},
	"PART-INF":                   {head + "#EXT-X-PART-INF:PART-TARGET=0.334\n", func(m *playlist.Media) any { return m.PartTarget }, 334 * time.Millisecond},
	"PART-INF missing, exceeded": {head + "#EXT-X-PART:DURATION=1.5,URI=\"v\"\n", func(m *playlist.Media) any { return m.PartTarget }, 1500 * time.Millisecond},
	"RENDITION-REPORT":           {head + "#EXT-X-RENDITION-REPORT:URI=\"../b.m3u8\",LAST-MSN=3\n", segmentCounts, 0},
	"SERVER-CONTROL": {
		head + "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK=12.5,PART-HOLD-BACK=1.0,CAN-SKIP-UNTIL=24,CAN-SKIP-DATERANGES=YES\n",
		func(m *playlist.Media) any { return m.Control },
		playlist.Control{BlockReload: true, HoldBack: 12500e6, PartHoldBack: 1e9, SkipUntil: 24e9, SkipDateRanges: true},
	},
	"SKIP": {
		head + "#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES=\"a\tb\"\n" + segment,
		func(m *playlist.Media) any {
			return []any{m.Sequence, m.Skipped, m.RemovedRanges, m.Segments[0].Sequence, m.Next.Sequence}
		},
		[]any{uint64(5), 3, []string{"a", "b"}, uint64(8), uint64(9)},
	},
}

func TestPartTags(t *testing.T) { runMedia(t, partCases) }

func TestParts(t *testing.T) {
	m := media(t, head+"#EXT-X-PART:DURATION=0.5,URI=\"1.0\",INDEPENDENT=YES\n#EXT-X-PART:GAP=YES,URI=1.1,DURATION=0.5\n#EXTINF:1,\n1\n#EXT-X-PART:DURATION=0.5,URI=\"2.0\"\n")
	first, second := at(t, "1.0"), at(t, "1.1")
	first.Independent, second.Gap = true, true
	compare(t, []playlist.Part{first, second}, m.Segments[0].Parts)
	compare(t, []playlist.Part{at(t, "2.0")}, m.Parts)
}

func TestPreloadHints(t *testing.T) {
	m := media(t, head+"#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"1.0\",BYTERANGE-START=61000,BYTERANGE-LENGTH=20000\n"+
		"#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"i\"\n#EXT-X-PRELOAD-HINT:TYPE=FOO,URI=\"f\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"2\",BYTERANGE-START=5\n")
	compare(t, []playlist.Hint{
		{URL: at(t, "1.0").URL, Bytes: playlist.Range{Offset: 61000, Length: 20000}},
		{URL: at(t, "i").URL, Map: true},
		{URL: at(t, "2").URL, Bytes: playlist.Range{Offset: 5}},
	}, m.Hints)
}

// older has all that a delta update can leave out, and newer what follows it.
const (
	start = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:"
	older = key1 + "#EXT-X-MAP:URI=\"i1\"\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00Z\n#EXT-X-BYTERANGE:10@0\n" + segment +
		key2 + "#EXT-X-CUE-OUT:12\n#EXT-X-BYTERANGE:10\n" + segment + "#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXT-X-BYTERANGE:10\n" + segment
	newer = "#EXT-X-BYTERANGE:10\n" + segment + "#EXT-X-MAP:URI=\"i2\"\n" + key1 + "#EXT-X-BYTERANGE:10\n" + segment +
		"#EXT-X-DISCONTINUITY\n" + segment + none + "#EXT-X-PART:DURATION=1,URI=\"p\"\n"
	ranged = "#EXT-X-DATERANGE:ID=\"old\"," + began + "\n#EXT-X-DATERANGE:ID=\"kept\"," + began + "\n"
)

func TestMerge(t *testing.T) {
	for name, tc := range map[string]struct{ before, delta, want string }{
		"everything carries on": {start + "7\n" + older, start + "7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n" + newer, start + "7\n" + older + newer},
		"the window has moved": {
			start + "7\n" + segment + older, start + "8\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n" + newer, start + "8\n" + older + newer,
		},
		"the older one reaches further": {start + "7\n" + older + newer, start + "7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n" + newer, start + "7\n" + older + newer},
		"nothing is listed":             {start + "7\n" + older, start + "7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n", start + "7\n" + older},
		"nothing is listed, the end":    {start + "7\n" + older, start + "7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXT-X-ENDLIST\n", start + "7\n" + older + "#EXT-X-ENDLIST\n"},
		"the date-time comes later": {
			start + "7\n" + segment + segment, start + "7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00Z\n" + segment,
			start + "7\n" + segment + segment + "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00Z\n" + segment,
		},
		"no delta":                      {start + "7\n" + older, start + "9\n" + segment, start + "9\n" + segment},
		"date ranges, all listed":       {start + "7\n" + ranged + older, start + "7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n" + newer, start + "7\n" + older + newer},
		"date ranges, none listed":      {start + "7\n" + ranged + older, start + "7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES=\"\"\n" + newer, start + "7\n" + ranged + older + newer},
		"a date range goes, one is new": {start + "7\n" + ranged + older, start + "7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES=\"old\"\n" + newer + "#EXT-X-DATERANGE:ID=\"kept\",DURATION=5\n#EXT-X-DATERANGE:ID=\"undated\"\n", start + "7\n#EXT-X-DATERANGE:ID=\"kept\",DURATION=5," + began + "\n" + older + newer},
		"a longer segment was skipped":  {start + "7\n#EXTINF:9,\na\n", start + "7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n" + segment, start + "7\n#EXTINF:9,\na\n" + segment},
	} {
		t.Run(name, func(t *testing.T) {
			before, got := media(t, tc.before), media(t, tc.delta)
			if err := got.Merge(before); err != nil {
				t.Fatal(err)
			}
			compare(t, media(t, tc.want), got)
			compare(t, media(t, tc.before), before)
		})
	}
}

func TestMergeRefused(t *testing.T) {
	delta := start + "7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n" + newer
	for name, tc := range map[string]struct{ before, delta string }{
		"the older one ends too early":    {start + "7\n" + segment + segment, delta},
		"the older one begins too late":   {start + "8\n" + older, delta},
		"the older one is a delta itself": {delta, delta},
		"the older one is empty":          {start + "7\n", delta},
		"discontinuities count otherwise": {start + "7\n" + older, strings.Replace(delta, "#EXT-X-SKIP", "#EXT-X-DISCONTINUITY-SEQUENCE:5\n#EXT-X-SKIP", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			got := media(t, tc.delta)
			if err := got.Merge(media(t, tc.before)); !errors.Is(err, playlist.ErrFormat) {
				t.Fatalf("%v does not wrap ErrFormat", err)
			}
			compare(t, media(t, tc.delta), got)
		})
	}
}
