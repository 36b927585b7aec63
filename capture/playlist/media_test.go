package playlist_test

import (
	"testing"
	"time"

	"spotter/capture/playlist"
)

var (
	wall   = time.Date(2026, 11, 23, 14, 0, 0, 5e8, time.UTC)
	walled = each(func(s playlist.Segment) string {
		if s.Wall.IsZero() {
			return "-"
		}
		return s.Wall.Format("02T15:04:05.999999999")
	})
	durations     = each(func(s playlist.Segment) time.Duration { return s.Duration })
	ranges        = each(func(s playlist.Segment) playlist.Range { return s.Bytes })
	stretches     = each(func(s playlist.Segment) uint64 { return s.Discontinuity })
	addresses     = each(func(s playlist.Segment) string { return s.URL.String()[len("http://origin.example/a/"):] })
	targets       = func(m *playlist.Media) any { return m.Target }
	segmentCounts = func(m *playlist.Media) any { return len(m.Segments) }
)

// mediaCases has the tags of rfc8216bis sections 4.4.3 and 4.4.4 that are about segments.
var mediaCases = map[string]mediaCase{
	"EXTINF with decimals": {head + "#EXTINF:5.005,\na\n#EXTINF:6.006,title, with commas\nb\n", durations, []time.Duration{5005 * time.Millisecond, 6006 * time.Millisecond}},
	"EXTINF loosely written": {
		head + "#EXTINF:4\na\n#EXTINF: 3.5 ,x\nb\n#EXTINF:10.0 ,\nc\n#EXTINF:2 tvg=1,x\nd\n#EXTINF:.5,\ne\n", durations,
		[]time.Duration{4e9, 3.5e9, 10e9, 2e9, 5e8},
	},
	"EXTINF without a number is a target duration": {head + "#EXTINF:,\na\n#EXTINF:x,\nb\n#EXTINF:-1,\nc\n#EXTINF:NaN,\nd\n#EXTINF:1e99999,\ne\n#EXTINF:86401,\nf\n", durations, []time.Duration{6e9, 6e9, 6e9, 6e9, 1e9, 6e9}},
	"EXTINF missing":                        {head + "a\n#EXTINF:5,\nb\nc\n", durations, []time.Duration{6e9, 5e9, 6e9}},
	"EXTINF twice":                          {head + "#EXTINF:5,\n#EXTINF:4,\na\n", durations, []time.Duration{4e9}},
	"TARGETDURATION":                        {"#EXTM3U\n#EXT-X-TARGETDURATION: 7.5 \n", targets, 7500 * time.Millisecond},
	"TARGETDURATION rounded to nothing":     {"#EXTM3U\n#EXT-X-TARGETDURATION:0\n#EXTINF:0.04,\na\n", targets, time.Second},
	"TARGETDURATION exceeded":               {head + "#EXTINF:8.49,\na\n#EXTINF:9.5,\nb\n", targets, 10 * time.Second},
	"TARGETDURATION missing":                {"#EXTM3U\n#EXTINF:3.4,\na\n", targets, 3 * time.Second},
	"TARGETDURATION out of bounds":          {"#EXTM3U\n#EXT-X-TARGETDURATION:99999999999999999999\n#EXTINF:4,\na\n", targets, 4 * time.Second},
	"nothing published yet":                 {head, segmentCounts, 0},
	"MEDIA-SEQUENCE":                        {head + "#EXT-X-MEDIA-SEQUENCE: 41\n#EXTINF:6,\na\n#EXTINF:6,\nb\n", each(func(s playlist.Segment) uint64 { return s.Sequence }), []uint64{41, 42}},
	"MEDIA-SEQUENCE below 0":                {head + "#EXT-X-MEDIA-SEQUENCE:-11\n#EXTINF:6,\na\n", each(func(s playlist.Segment) uint64 { return s.Sequence }), []uint64{0}},
	"DISCONTINUITY":                         {head + "#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXTINF:6,\na\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n", stretches, []uint64{3, 4, 4}},
	"DISCONTINUITY twice before a segment":  {head + "#EXTINF:6,\na\n#EXT-X-DISCONTINUITY\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\nb\n", stretches, []uint64{0, 2}},
	"DISCONTINUITY before the first":        {head + "#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\na\n", stretches, []uint64{4}},
	"GAP":                                   {head + "#EXT-X-GAP\n#EXTINF:6,\na\n#EXTINF:6,\nb\n", each(func(s playlist.Segment) bool { return s.Gap }), []bool{true, false}},
	"BITRATE and unknown tags":              {head + "#EXT-X-BITRATE:5\n#EXT-X-NEW:A=1\n#EXTINF:6,\n# comment\n#EXTVLCOPT:x\na\n", segmentCounts, 1},
	"INDEPENDENT-SEGMENTS":                  {head + "#EXT-X-INDEPENDENT-SEGMENTS\n#EXTINF:6,\na\n", segmentCounts, 1},
	"ENDLIST in the middle":                 {head + "#EXTINF:6,\na\n#EXT-X-ENDLIST\n#EXTINF:6,\nb\n", func(m *playlist.Media) any { return []any{m.Ended, len(m.Segments), m.Slides()} }, []any{true, 2, false}},
	"PLAYLIST-TYPE EVENT":                   {head + "#EXT-X-PLAYLIST-TYPE:EVENT\n", func(m *playlist.Media) any { return []bool{m.Event, m.VOD, m.Slides()} }, []bool{true, false, false}},
	"PLAYLIST-TYPE VOD":                     {head + "#EXT-X-PLAYLIST-TYPE: VOD\n", func(m *playlist.Media) any { return []bool{m.Event, m.VOD, m.Slides()} }, []bool{false, true, false}},
	"I-FRAMES-ONLY":                         {head + "#EXT-X-I-FRAMES-ONLY\n", func(m *playlist.Media) any { return m.IFramesOnly }, true},
	"START":                                 {head + "#EXT-X-START:TIME-OFFSET=10.5,PRECISE=YES\n", func(m *playlist.Media) any { return m.Start }, &playlist.Start{Offset: 10500 * time.Millisecond, Precise: true}},
	"START from the end":                    {head + "#EXT-X-START:TIME-OFFSET=-25\n", func(m *playlist.Media) any { return m.Start }, &playlist.Start{Offset: -25 * time.Second}},
	"START of nothing":                      {head + "#EXT-X-START:PRECISE=YES\n", func(m *playlist.Media) any { return m.Start }, (*playlist.Start)(nil)},
	"BYTERANGE":                             {head + "#EXT-X-BYTERANGE:100@5\n#EXTINF:6,\na\n#EXTINF:6,\nb\n", ranges, []playlist.Range{{Offset: 5, Length: 100}, {}}},
	"BYTERANGE without offset":              {head + "#EXT-X-BYTERANGE:100\n#EXTINF:6,\na\n#EXT-X-BYTERANGE: 50 @ \n#EXTINF:6,\na\n#EXT-X-BYTERANGE:7\n#EXTINF:6,\na\n", ranges, []playlist.Range{{Length: 100}, {100, 50}, {150, 7}}},
	"BYTERANGE in alternating resources":    {head + "#EXT-X-BYTERANGE:100@0\n#EXTINF:6,\na\n#EXT-X-BYTERANGE:9@0\n#EXTINF:6,\nad\n#EXT-X-BYTERANGE:50\n#EXTINF:6,\na\n", ranges, []playlist.Range{{0, 100}, {0, 9}, {100, 50}}},
	"PROGRAM-DATE-TIME counts on":           {head + "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00.5Z\n#EXTINF:4,\na\n#EXTINF:4.5,\nb\n#EXTINF:4,\nc\n", walled, []string{"23T14:00:00.5", "23T14:00:04.5", "23T14:00:09"}},
	"PROGRAM-DATE-TIME counts back":         {head + "#EXTINF:2,\na\n#EXTINF:1.5,\nb\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00Z\n#EXTINF:2,\nc\n", walled, []string{"23T13:59:56.5", "23T13:59:58.5", "23T14:00:00"}},
	"PROGRAM-DATE-TIME jumps":               {head + "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00Z\n#EXTINF:4,\na\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T15:00:00Z\n#EXTINF:4,\nb\n", walled, []string{"23T14:00:00", "23T15:00:00"}},
	"PROGRAM-DATE-TIME stops at a break":    {head + "#EXTINF:4,\na\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00Z\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nb\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nc\n", walled, []string{"-", "23T14:00:00", "-"}},
	"PROGRAM-DATE-TIME with a zone":         {head + "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00.25+02:00\n#EXTINF:4,\na\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00-0330\n#EXTINF:4,\nb\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00+01\n#EXTINF:4,\nc\n", walled, []string{"23T12:00:00.25", "23T17:30:00", "23T13:00:00"}},
	"PROGRAM-DATE-TIME without a zone":      {head + "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00\n#EXTINF:4,\na\n", walled, []string{"23T14:00:00"}},
	"PROGRAM-DATE-TIME with many digits":    {head + "#EXT-X-PROGRAM-DATE-TIME: 2026-11-23T14:00:00.12345678901234Z\n#EXTINF:4,\na\n", walled, []string{"23T14:00:00.123456789"}},
	"PROGRAM-DATE-TIME that is none":        {head + "#EXT-X-PROGRAM-DATE-TIME:yesterday\n#EXTINF:4,\na\n", walled, []string{"-"}},
	"PROGRAM-DATE-TIME of the next segment": {head + "#EXTINF:4,\na\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00Z\n", func(m *playlist.Media) any { return []any{walled(m), m.Next.Wall} }, []any{[]string{"23T13:59:56"}, wall.Truncate(time.Second)}},
	"byte order mark, CRLF, blanks":         {"\xef\xbb\xbf\n #EXTM3U\r\n#EXT-X-TARGETDURATION:2\r\n\r\n\t#EXTINF:2\r\n\r\n a b.ts \r\n#EXTINF:2,\r\n#unknown\r\nc.ts", addresses, []string{"a%20b.ts", "c.ts"}},
	"comments before the header":            {"# made by hand\n\n#EXTM3U8\n" + head + "#EXTINF:2,\na\n", addresses, []string{"a"}},
	"no new line at the end":                {head + "#EXTINF:2,\na", addresses, []string{"a"}},
}

func TestMediaTags(t *testing.T) { runMedia(t, mediaCases) }

// What stands behind the last segment holds for the one whose parts are listed already.
func TestNextSegment(t *testing.T) {
	m := media(t, head+"#EXT-X-MEDIA-SEQUENCE:4\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00.5Z\n#EXTINF:6,\na\n"+
		"#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"i\"\n#EXT-X-CUE-OUT:30\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T14:00:00.5Z\n#EXT-X-PART:DURATION=1,URI=\"p\"\n")
	compare(t, playlist.Segment{
		Sequence: 5, Discontinuity: 1, Wall: wall, Map: &playlist.Map{URL: parseURL(t, "http://origin.example/a/i")},
		Parts: m.Parts, Cues: []playlist.Cue{{Kind: playlist.CueOut, Duration: 30 * time.Second}},
	}, m.Next)
	compare(t, uint64(4), m.Last())
	compare(t, 6*time.Second, m.Duration())
	if len(m.Parts) != 1 {
		t.Errorf("%d parts", len(m.Parts))
	}
}
