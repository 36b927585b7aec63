package capture_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"spotter/capture"
	"spotter/internal/origin"
	"spotter/timeline"
)

// script is a fault of a live stream: it begins, lasts for some segments of two seconds, and ends.
type script struct {
	name  string
	clip  func() (origin.Clip, error)
	style origin.Style
	lasts int // segments
	begin func(r *rig)
	end   func(r *rig)
	whole bool          // nothing may be lost by it
	hole  time.Duration // of the event, that nobody filmed
	adds  int           // segments that begin publishes
}

var drillStyle = origin.Style{Window: 12, First: 100, Continuous: true, Query: "token=s3cret"}

// every is a script that gives all requests below a prefix to an act.
func every(name, prefix string, act origin.Act, whole bool) script {
	return script{
		name: name, clip: clipTS, style: drillStyle, lasts: 5, whole: whole,
		begin: func(r *rig) { r.Every(prefix, act) },
		end:   func(r *rig) { r.Every(prefix, nil) },
	}
}

// once is a script of acts for a path.
func once(name, path string, acts ...origin.Act) script {
	return script{name: name, clip: clipTS, style: drillStyle, lasts: 5, whole: true, begin: func(r *rig) { r.On(path, acts...) }}
}

// drill lists the scripts.
func drill() (all []script) {
	for _, code := range []int{400, 401, 403, 404, 408, 410, 425, 429, 500, 502, 503, 504} {
		all = append(all,
			every(fmt.Sprintf("playlist: %d", code), origin.Media, origin.Status(code), true),
			every(fmt.Sprintf("segments: %d", code), "/segment/", origin.Status(code), false),
		)
	}
	for name, act := range map[string]origin.Act{
		"reset": origin.Reset(), "black hole": origin.Hold(nil), "late": origin.Delay(time.Second), "truncated": origin.Truncate(),
		"half": origin.Half(), "stalls after a byte": origin.Stall(1), "chunked and cut": origin.TruncateChunked(), "bad gzip": origin.BadGzip(),
		"a page": origin.Page(), "noise": origin.Noise(5000), "empty": origin.Body(nil), "corrupt": origin.Edit(origin.Corrupt),
		"redirect loop": origin.RedirectLoop(), "redirect elsewhere": origin.Redirect("http://169.254.169.254/latest"),
		"redirect to a file": origin.Redirect("file:///etc/passwd"), "too large": origin.Oversize(capture.MaxSegmentBytes+1, true),
		"wait a second": origin.RetryAfter(503, 1), "log in": origin.Challenge(), "not modified": origin.NotModified(),
	} {
		all = append(all, every("playlist: "+name, origin.Media, act, true), every("segments: "+name, "/segment/", act, false))
	}
	for name, act := range map[string]origin.Act{"chunked": origin.Chunked(), "gzip": origin.Gzip(), "slow": origin.Slow(60_000), "BOM": origin.Edit(origin.BOM), "CRLF": origin.Edit(origin.CRLF)} {
		if name != "BOM" && name != "CRLF" {
			all = append(all, every("segments: "+name, "/segment/", act, true))
		}
		all = append(all, every("playlist: "+name, origin.Media, act, true))
	}
	all = append(all, playlistScripts()...)
	all = append(all, streamScripts()...)
	return append(all, styledScripts()...)
}

// alternate answers with acts by turns.
func alternate(acts ...origin.Act) origin.Act {
	n := 0
	return func(o *origin.Origin, w http.ResponseWriter, r *http.Request) {
		n++
		acts[n%len(acts)](o, w, r)
	}
}

func playlistScripts() []script {
	return []script{
		every("playlist: two caches", origin.Media, alternate(origin.Healthy(), origin.Stale(2)), true),
		every("playlist: stale for a while", origin.Media, origin.Stale(3), true),
		every("playlist: half, then whole", origin.Media, alternate(origin.Half(), origin.Healthy()), true),
		every("playlist: garbage between the lines", origin.Media, origin.Edit(origin.Lines("#EXT-X-UNKNOWN:1", "# a comment")), true),
		every("everything: reset", "/", origin.Reset(), true),
		every("everything: black hole", "/", origin.Hold(nil), true),
		every("everything: 503", "/", origin.RetryAfter(503, 2), true),
		once("one segment: 404", origin.SegmentPath(113), origin.Times(2, origin.Status(404))...),
		once("one segment: held", origin.SegmentPath(113), origin.Hold(nil)),
		once("one segment: reset", origin.SegmentPath(113), origin.Times(3, origin.Reset())...),
		once("one segment: truncated", origin.SegmentPath(113), origin.Truncate(), origin.Truncate()),
		once("one segment: another", origin.SegmentPath(113), origin.Status(500), origin.Status(502), origin.Status(404)),
		{name: "one segment: held for good", clip: clipTS, style: drillStyle, lasts: 5, begin: func(r *rig) { r.Every(origin.SegmentPath(113), origin.Hold(nil)) }, end: func(*rig) {}},
		{name: "one segment: gone for good", clip: clipTS, style: drillStyle, lasts: 5, begin: func(r *rig) { r.Every(origin.SegmentPath(113), origin.Status(404)) }, end: func(*rig) {}},
	}
}

// streamScripts are faults of the encoder and the packager.
func streamScripts() []script {
	walled := drillStyle
	walled.Start = kickOff
	looping := drillStyle
	looping.Continuous = false
	hidden := looping
	hidden.HideDiscontinuities = true
	wrap := drillStyle
	drift := walled
	drift.Drift = 5000
	sparse := walled
	sparse.ClockEvery = 4
	lying := drillStyle
	lying.Target = 1
	nothing := func(*rig) {}
	return []script{
		{name: "packager: numbers anew from 0", clip: clipTS, style: drillStyle, begin: func(r *rig) { r.Renumber(0) }, lasts: 4, whole: true},
		{name: "packager: numbers jump up", clip: clipTS, style: drillStyle, begin: func(r *rig) { r.Renumber(5_000_000) }, lasts: 1},
		{name: "packager: restarts from 0", clip: clipTS, style: walled, begin: func(r *rig) { r.Restart(0) }, lasts: 4},
		{name: "packager: says nothing", clip: clipTS, style: drillStyle, begin: nothing, lasts: 0, whole: true},
		{name: "discontinuities", clip: clipTS, style: looping, begin: nothing, lasts: 8, whole: true},
		{name: "discontinuities without a tag", clip: clipTS, style: hidden, begin: nothing, lasts: 8, whole: true},
		{name: "PTS wrap", clip: clipWrap, style: wrap, begin: nothing, lasts: 4, whole: true},
		{name: "PTS wrap and discontinuity", clip: clipWrap, style: looping, begin: nothing, lasts: 8, whole: true},
		{name: "wall clock drifts", clip: clipTS, style: drift, begin: nothing, lasts: 8, whole: true},
		{name: "wall clock missing here and there", clip: clipTS, style: sparse, begin: nothing, lasts: 8, whole: true},
		{name: "wall clock jumps an hour ahead", clip: clipTS, style: walled, begin: func(r *rig) { r.Jump(time.Hour) }, lasts: 3, whole: true},
		{name: "wall clock jumps an hour back", clip: clipTS, style: walled, begin: func(r *rig) { r.Jump(-time.Hour) }, lasts: 3, whole: true},
		{name: "encoder away, with a tag", clip: clipTS, style: walled, begin: func(r *rig) { r.pass(6 * time.Second); r.Skip(3); r.Break() }, lasts: 2, hole: 6 * time.Second},
		{name: "target duration lies", clip: clipTS, style: lying, begin: nothing, lasts: 5, whole: true},
		{name: "gap", clip: clipTS, style: drillStyle, lasts: 1, adds: 1, begin: func(r *rig) { r.Append(origin.Segment{Duration: 2 * time.Second, Gap: true}); r.Skip(1) }},
		{name: "sound alone", clip: clipTS, style: drillStyle, lasts: 1, adds: 3, begin: func(r *rig) { appendFrom(r, clipSound, 3); r.Skip(3) }},
		{name: "empty segments", clip: clipTS, style: drillStyle, lasts: 1, adds: 3, begin: func(r *rig) {
			for range 3 {
				r.Append(origin.Segment{Duration: 2 * time.Second})
			}
			r.Skip(3)
		}},
		{name: "another codec for a while", clip: clipTS, style: drillStyle, lasts: 2, adds: 2, begin: func(r *rig) { r.Break(); appendFrom(r, clipHEVC, 2); r.Break() }},
		{name: "ended by mistake", clip: clipTS, style: drillStyle, lasts: 3, whole: true, begin: func(r *rig) {
			r.Every(origin.Media, origin.Edit(func(b []byte) []byte { return append(b, "#EXT-X-ENDLIST\n"...) }))
		}, end: func(r *rig) { r.Every(origin.Media, nil) }},
	}
}

var clipSound = recipe(origin.Recipe{Segments: 3, AudioOnly: true})

func appendFrom(r *rig, clip func() (origin.Clip, error), n int) {
	c, err := clip()
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range n {
		s := c.Segments[i]
		s.Discontinuity = i == 0
		r.Append(s)
	}
}

// styledScripts are faults of encrypted, fragmented, redundant and low-latency streams.
func styledScripts() (all []script) {
	with := func(s script, clip func() (origin.Clip, error), style origin.Style) {
		s.clip, s.style = clip, style
		all = append(all, s)
	}
	fmp4 := drillStyle
	with(every("fMP4: init 500", origin.InitPath, origin.Status(500), true), clipFMP4, fmp4)
	with(every("fMP4: segments reset", "/segment/", origin.Reset(), false), clipFMP4, fmp4)
	encrypted := drillStyle
	encrypted.Key = func(n uint64) *origin.Key { return key(fmt.Sprint("k", n/3), "") }
	with(every("AES-128: keys 503", "/key/", origin.Status(503), false), clipTS, encrypted)
	with(every("AES-128: keys held", "/key/", origin.Hold(nil), false), clipTS, encrypted)
	with(every("AES-128: other keys", "/key/", origin.Body(make([]byte, 16)), false), clipTS, encrypted)
	both := redundant
	both.Window = 12
	for name, act := range map[string]origin.Act{"500": origin.Status(500), "black hole": origin.Hold(nil), "404": origin.Status(404)} {
		with(every("redundant: first choice "+name, origin.Media, act, true), clipTS, both)
		with(every("redundant: multivariant and first choice "+name, "/index", act, true), clipTS, both)
	}
	parts := lowLatency
	for name, act := range map[string]origin.Act{"500": origin.Status(500), "reset": origin.Reset(), "black hole": origin.Hold(nil)} {
		with(every("low latency: playlist "+name, origin.Media, act, true), clipParts, parts)
		with(every("low latency: parts "+name, "/part/", act, false), clipParts, parts)
	}
	return all
}

// recovered is how one script went.
type recovered struct {
	name string
	took time.Duration
}

// TestDrill runs every script. The stream must be analysed again, up to where it was published when the fault ended, within two target
// durations (of 2 s) at the 95th percentile, at the positions of a run without fault.
func TestDrill(t *testing.T) {
	scripts := drill()
	if len(scripts) < 60 {
		t.Fatalf("%d scripts", len(scripts))
	}
	var all []recovered
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			inBubble(t, s.clip, s.style, func(r *rig) { all = append(all, recovered{s.name, r.run(s)}) })
		})
	}
	slices.SortFunc(all, func(a, b recovered) int { return int(a.took - b.took) })
	at := func(q float64) time.Duration { return all[int(q*float64(len(all)-1))].took }
	t.Logf("%d scripts: analysed again after p50 %v, p95 %v, at most %v (%s)", len(all), at(0.5), at(0.95), at(1), all[len(all)-1].name)
	if const2 := 4 * time.Second; at(0.95) > const2 {
		for _, x := range all[len(all)*8/10:] {
			t.Log(x)
		}
		t.Errorf("p95 is over two target durations")
	}
}

// run runs a script and returns how long after its end the stream was analysed again.
func (r *rig) run(s script) time.Duration {
	t := r.t
	path := origin.Media
	if len(s.style.Variants) > 0 {
		path = origin.Multivariant
	}
	r.prepare(path, nil, r.follower.Getter)
	r.Publish(8)
	published := 8
	live := func(n int) {
		for range n {
			r.pass(2 * time.Second)
			r.Publish(1)
			published++
		}
	}
	r.start()
	live(4)
	s.begin(r)
	published += s.adds
	live(s.lasts)
	if s.end != nil {
		s.end(r)
	}
	ended := time.Now()
	r.mu.Lock()
	known := len(r.segments)
	r.mu.Unlock()
	edge := r.truth(s, published)
	again := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.ContainsFunc(r.segments[known:], func(x *capture.Segment) bool { return x.Until >= edge })
	}
	took := time.Duration(-1)
	for step := range 400 {
		if again() {
			took = time.Since(ended)
			break
		}
		r.pass(100 * time.Millisecond)
		if step%20 == 19 {
			r.Publish(1)
			published++
		}
	}
	if took < 0 {
		t.Errorf("not analysed again up to %v within 40 s; the newest is %v; %v", edge, r.segments[len(r.segments)-1].Span, r.faults)
		return 40 * time.Second
	}
	live(6)
	r.pass(3 * time.Second)
	r.checkDrill(s, published)
	return took
}

// truth returns the position of the end of the newest of n published segments, of which the first read was the sixth.
func (r *rig) truth(s script, n int) timeline.Position {
	return timeline.Position(n-5)*2000 + timeline.FromDuration(s.hole)
}

// checkDrill fails unless positions are those of an undisturbed run: each piece begins at a multiple of its length behind the first,
// none goes back, the last is where so many segments end.
func (r *rig) checkDrill(s script, published int) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	until, lost := timeline.Position(0), timeline.Position(0)
	for _, x := range r.segments {
		if x.From < until {
			r.t.Errorf("segment %d is at %v, after %v", x.Sequence, x.Span, until)
		}
		lost += x.From - until
		until = x.Until
		if strings.Contains(x.URL, "s3cret") {
			r.t.Errorf("a segment's address tells a secret: %s", x.URL)
		}
	}
	for _, f := range r.faults {
		if said := f.URL + " " + f.Err.Error(); strings.Contains(said, "s3cret") {
			r.t.Errorf("a fault tells a secret: %s", said)
		}
	}
	want := r.truth(s, published)
	if until < want-2000 || until > want {
		r.t.Errorf("it ends at %v, an undisturbed run at %v", until, want)
	}
	if s.whole && lost > 0 {
		r.t.Errorf("%v were lost: %v", lost, r.faults)
	}
}
