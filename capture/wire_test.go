package capture_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/container"
	"spotter/capture/fetch"
	"spotter/internal/origin"
	"spotter/timeline"
)

// Codec, container, size and PTS may all change at a discontinuity.
func TestDiscontinuityChangesEverything(t *testing.T) {
	small := recipe(origin.Recipe{Segments: 2, HEVC: true, Size: "256x144", Offset: 7000 * time.Second})
	inBubble(t, clipTS, origin.Style{First: 5}, func(r *rig) {
		r.Publish(3)
		r.start()
		r.Break()
		appendFrom(r, small, 2)
		r.Break()
		r.live(3)
		var got []string
		for _, s := range r.segments {
			got = append(got, fmt.Sprintf("%d %v %d %v %t", s.Sequence, s.Video.Codec, s.Video.Width, s.From, s.Jump))
		}
		want := []string{
			"5 h264 320 0.0 true", "6 h264 320 2.0 false", "7 h264 320 4.0 false",
			"8 hevc 256 6.0 true", "9 hevc 256 8.0 false",
			"10 h264 320 10.0 true", "11 h264 320 12.0 false", "12 h264 320 14.0 false",
		}
		equal(t, "segments", want, got)
		equal(t, "faults", 0, len(r.kinds()))
	})
}

// Positions by the time of day follow the program date-time, wherever it is told, and never go back.
func TestWallClock(t *testing.T) {
	for name, tc := range map[string]struct {
		style origin.Style
		jump  time.Duration // at segment 6
		brk   bool
		from  []timeline.Position // of segments 3 to 9
	}{
		"each segment":            {origin.Style{}, 0, false, []timeline.Position{6000, 8000, 10_000, 12_000, 14_000, 16_000, 18_000}},
		"every fourth segment":    {origin.Style{ClockEvery: 4}, 0, false, []timeline.Position{6000, 8000, 10_000, 12_000, 14_000, 16_000, 18_000}},
		"drifts":                  {origin.Style{Drift: 1000}, 0, false, []timeline.Position{6006, 8008, 10_010, 12_012, 14_014, 16_016, 18_018}},
		"jumps ahead":             {origin.Style{}, 5 * time.Second, false, []timeline.Position{6000, 8000, 10_000, 17_000, 19_000, 21_000, 23_000}},
		"jumps ahead with a tag":  {origin.Style{}, 5 * time.Second, true, []timeline.Position{6000, 8000, 10_000, 17_000, 19_000, 21_000, 23_000}},
		"goes back four seconds":  {origin.Style{}, -4 * time.Second, false, []timeline.Position{6000, 8000, 10_000, 12_000, 14_000}}, // 8 and 9; 6 and 7 were seen
		"goes back half a second": {origin.Style{}, -500 * time.Millisecond, false, []timeline.Position{6000, 8000, 10_000, 12_000, 13_500, 15_500, 17_500}},
		"goes back an hour":       {origin.Style{}, -time.Hour, false, []timeline.Position{6000, 8000, 10_000, 12_000, 14_000, 16_000, 18_000}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.style.Continuous, tc.style.Start = true, kickOff
			inBubble(t, clipTS, tc.style, func(r *rig) {
				r.follower.Clock = newClock(t, kickOff.Format(time.RFC3339), nil)
				r.Publish(6)
				r.start()
				if r.Jump(tc.jump); tc.brk {
					r.Break()
				}
				r.live(4)
				var from []timeline.Position
				until := timeline.Position(0)
				for _, s := range r.segments {
					if s.From < until {
						t.Errorf("segment %d is at %v, after %v", s.Sequence, s.Span, until)
					}
					from, until = append(from, s.From), s.Until
				}
				equal(t, "positions", tc.from, from)
			})
		})
	}
}

// EXT-X-START and HOLD-BACK say where a reader begins; without them it is three target durations from the end.
func TestStart(t *testing.T) {
	for name, tc := range map[string]struct {
		tag   string
		first uint64
	}{
		"from the end":                 {"#EXT-X-START:TIME-OFFSET=-13", 103},
		"from the beginning":           {"#EXT-X-START:TIME-OFFSET=4.5", 102},
		"before the beginning":         {"#EXT-X-START:TIME-OFFSET=-500", 100},
		"behind the end":               {"#EXT-X-START:TIME-OFFSET=500", 109},
		"HOLD-BACK":                    {"#EXT-X-SERVER-CONTROL:HOLD-BACK=12", 104},
		"HOLD-BACK that is too little": {"#EXT-X-SERVER-CONTROL:HOLD-BACK=2", 107},
	} {
		t.Run(name, func(t *testing.T) {
			style := window
			style.Tags = []string{tc.tag}
			inBubble(t, clipTS, style, func(r *rig) {
				r.Publish(10)
				r.start()
				equal(t, "segments", numbers(tc.first, 109), r.sequences())
			})
		})
	}
}

// Variables of the multivariant playlist, and those of the query, stand for parts of URIs (rfc8216bis section 4.3).
func TestVariables(t *testing.T) {
	style := window
	style.Query = "token={$token}&{$more}"
	style.Variants = []string{"BANDWIDTH=1"}
	style.MultivariantTags = []string{`#EXT-X-DEFINE:QUERYPARAM="token"`, `#EXT-X-DEFINE:NAME="more",VALUE="a=b"`}
	style.Tags = []string{`#EXT-X-DEFINE:IMPORT="token"`, `#EXT-X-DEFINE:IMPORT="more"`}
	inBubble(t, clipTS, style, func(r *rig) {
		r.prepare(origin.Multivariant, nil, r.follower.Getter)
		r.Publish(3)
		r.start()
		equal(t, "segments", numbers(100, 102), r.sequences())
		for _, q := range r.Requests() {
			if strings.HasPrefix(q.Path, "/segment/") && q.Query != "token=s3cret&a=b" {
				t.Errorf("%s was asked for with %q", q.Path, q.Query)
			}
		}
	})
}

// What an origin demands of its readers reaches it with every request, and no other host.
func TestCredentials(t *testing.T) {
	for name, gate := range map[string]origin.Gate{
		"a cookie":            {Cookie: "session=abc"},
		"a token":             {Query: "token=s3cret"},
		"a name and password": {User: "user", Password: "s3cret"},
		"a header":            {Header: "X-Feed", Value: "42"},
	} {
		t.Run(name, func(t *testing.T) {
			style := origin.Style{Window: 10, First: 100, Gate: gate, Variants: []string{"BANDWIDTH=1"}}
			inBubble(t, clipTS, style, func(r *rig) {
				getter := fetch.NewHTTP(fetch.Options{
					Hosts: []string{"origin.example"}, Dial: r.network.Dial, Username: "user", Password: "s3cret", Header: http.Header{"X-Feed": {"42"}},
				})
				defer getter.Close()
				r.prepare(origin.Multivariant, nil, getter)
				r.Publish(3)
				r.start()
				r.live(2)
				equal(t, "segments", numbers(100, 104), r.sequences())
				equal(t, "faults", 0, len(r.kinds()))
				_ = r.stop()
			})
		})
	}
}

// A playlist that has not changed is not sent again where the origin has validators.
func TestNotModified(t *testing.T) {
	style := window
	style.Validators = true
	inBubble(t, clipTS, style, func(r *rig) {
		r.Publish(5)
		r.start()
		r.live(5)
		r.pass(5 * time.Second)
		asked := slices.ContainsFunc(r.Requests(), func(q origin.Request) bool { return q.Path == origin.Media && q.Validator != "" })
		equal(t, "asked with a validator", true, asked)
		equal(t, "segments", numbers(102, 109), r.sequences())
		r.checkPlaces(102)
	})
}

// Sound alone is waited through, not reported.
func TestSoundAlone(t *testing.T) {
	inBubble(t, clipSound, origin.Style{Continuous: true}, func(r *rig) {
		r.Publish(3)
		r.start()
		r.live(3)
		equal(t, "state", capture.Waiting, r.follower.Status().State)
		equal(t, "segments", 0, len(r.sequences()))
		equal(t, "faults", 0, len(r.kinds()))
		appendFrom(r, clipTS, 3)
		r.pass(4 * time.Second)
		equal(t, "state", capture.Live, r.follower.Status().State)
		equal(t, "segments", numbers(6, 8), r.sequences())
		equal(t, "faults", 0, len(r.kinds()))
	})
	t.Run("no variant has pictures", func(t *testing.T) {
		style := window
		style.Variants = []string{`BANDWIDTH=64000,CODECS="mp4a.40.2"`}
		inBubble(t, clipTS, style, func(r *rig) {
			r.prepare(origin.Multivariant, nil, r.follower.Getter)
			r.Publish(5)
			r.start()
			r.pass(20 * time.Second)
			equal(t, "state", capture.Waiting, r.follower.Status().State)
			equal(t, "faults", 0, len(r.kinds()))
		})
	})
}

// DRM and SAMPLE-AES are refused by name, and nothing of them is fetched.
func TestRefusesByName(t *testing.T) {
	for tag, name := range map[string]string{
		`METHOD=SAMPLE-AES,URI="skd://k?s3cret",KEYFORMAT="com.apple.streamingkeydelivery"`:                 "SAMPLE-AES with FairPlay",
		`METHOD=SAMPLE-AES-CTR,URI="data:s3cret",KEYFORMAT="urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"`: "SAMPLE-AES-CTR with Widevine",
		`METHOD=SAMPLE-AES,URI="data:s3cret",KEYFORMAT="com.microsoft.playready",KEYFORMATVERSIONS="1"`:     "SAMPLE-AES with PlayReady",
		`METHOD=SAMPLE-AES,URI="key?s3cret"`:                     "METHOD=SAMPLE-AES (only AES-128",
		`METHOD=AES-256-GCM,URI="key?s3cret"`:                    "METHOD=AES-256-GCM",
		`METHOD=AES-128,URI="key?s3cret",KEYFORMAT="com.acme.x"`: "KEYFORMAT \"com.acme.x\"",
	} {
		t.Run(name, func(t *testing.T) {
			style := origin.Style{First: 100, Tags: []string{"#EXT-X-KEY:" + tag}}
			inBubble(t, clipTS, style, func(r *rig) {
				r.Publish(1)
				r.start()
				r.pass(time.Second)
				equal(t, "fetched", 0, len(r.loads(origin.SegmentPath(100))))
				if len(r.faults) != 1 || !is(r.faults[0].Err, capture.ErrEncryption) || !strings.Contains(r.faults[0].Err.Error(), name) {
					t.Errorf("%v", r.faults)
				}
				r.checkPlaces(100)
			})
		})
	}
}

// static serves playlists and bodies as they are.
type static map[string][]byte

func (s static) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, ok := s[q.URL.Path]
	if !ok {
		http.NotFound(w, q)
		return
	}
	http.ServeContent(w, q, "", time.Time{}, strings.NewReader(string(body)))
}

// EXT-X-MAP changes from one segment to the next, also as byte ranges of one resource (RFC 8216 section 4.3.2.5).
func TestMapChanges(t *testing.T) {
	inBubble(t, clipFMP4, origin.Style{}, func(r *rig) {
		a, err := clipFMP4()
		b, err2 := clipHVC1()
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		list := fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"both.mp4\",BYTERANGE=\"%d@0\"\n#EXTINF:2,\na0\n#EXTINF:2,\na1\n"+
			"#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"both.mp4\",BYTERANGE=\"%d@%d\"\n#EXTINF:2,\nb0\n"+
			"#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"a.mp4\"\n#EXTINF:2,\na2\n#EXT-X-ENDLIST\n", len(a.Init), len(b.Init), len(a.Init))
		r.others["origin.example"] = static{
			origin.Media: []byte(list), "/both.mp4": slices.Concat(a.Init, b.Init), "/a.mp4": a.Init,
			"/a0": a.Segments[0].Body, "/a1": a.Segments[1].Body, "/a2": a.Segments[2].Body, "/b0": b.Segments[0].Body,
		}
		r.start()
		var got []container.Codec
		for _, s := range r.segments {
			got = append(got, s.Video.Codec)
		}
		equal(t, "codecs", []container.Codec{container.H264, container.H264, container.HEVC, container.H264}, got)
		r.checkPlaces(0)
		equal(t, "faults", 0, len(r.kinds()))
	})
}

// Media sequence numbers that begin anew, up or down, neither repeat nor lose anything where the stream itself goes on.
func TestRenumbered(t *testing.T) {
	for name, first := range map[string]uint64{"down": 3, "up a little": 500, "up": 5_000_000} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, clipTS, origin.Style{Window: 10, First: 100, Continuous: true}, func(r *rig) {
				r.Publish(8)
				r.start()
				r.live(3)
				r.Renumber(first)
				r.live(8)
				r.checkStream(timeline.Position(3+3+8) * 2000)
			})
		})
	}
}
