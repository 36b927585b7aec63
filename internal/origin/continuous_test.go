package origin_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"spotter/internal/origin"
)

// ask asks without a network.
func ask(t testing.TB, o *origin.Origin, path string) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	o.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d", path, w.Code)
	}
	return w.Body.Bytes()
}

// TestContinuous plays a clip of 6 s over and over and looks at the seams: time stamps in even steps, continuity
// counters without a hole, no discontinuity.
func TestContinuous(t *testing.T) {
	wrap := recipe(origin.Recipe{Segments: 3, Offset: 95_436 * time.Second, BFrames: 2, Audio: true})
	for name, tc := range map[string]struct {
		clip  func(testing.TB) origin.Clip
		clock int64 // ticks of a picture
		mask  int64
	}{
		"TS": {clipTS, 3600, 1<<33 - 1}, "over 2^33": {wrap, 3600, 1<<33 - 1}, "fMP4": {clipFMP4, 512, 1<<62 - 1},
		"29.97": {recipe(origin.Recipe{Segments: 2, Rate: "30000/1001"}), 3003, 1<<33 - 1},
	} {
		t.Run(name, func(t *testing.T) {
			clip := tc.clip(t)
			o := origin.New(clip, origin.Style{Continuous: true})
			o.Publish(4 * len(clip.Segments))
			counters := map[int]byte{}
			all := append([]byte(nil), clip.Init...)
			for n := range 4 * len(clip.Segments) {
				body := ask(t, o, origin.SegmentPath(uint64(n)))
				if clip.Init == nil {
					checkCounters(t, body, counters)
				}
				all = append(all, body...)
			}
			rows := probe(t, all, "v:0", "packet=dts")
			if len(rows) < 400 {
				t.Fatalf("%d pictures", len(rows))
			}
			for i := 1; i < len(rows); i++ {
				if step := (number(t, rows[i][0]) - number(t, rows[i-1][0])) & tc.mask; step != tc.clock {
					t.Fatalf("picture %d: DTS %s after %s, a step of %d, want %d", i, rows[i][0], rows[i-1][0], step, tc.clock)
				}
			}
		})
	}
}

// checkCounters looks at the continuity counters of a segment that follows others.
func checkCounters(t *testing.T, body []byte, counters map[int]byte) {
	t.Helper()
	for at := 0; at < len(body); at += 188 {
		pid, counter := int(body[at+1]&0x1f)<<8|int(body[at+2]), body[at+3]&0xf
		if body[at+3]&0x10 == 0 {
			continue
		}
		if before, ok := counters[pid]; ok && counter != (before+1)&0xf {
			t.Fatalf("PID %d: counter %d after %d", pid, counter, before)
		}
		counters[pid] = counter
	}
}

// TestDay publishes 24 hours out of 6 s, with a wrap, and asks for some of it: memory stays flat.
func TestDay(t *testing.T) {
	clip := clipTS(t)
	o := origin.New(clip, origin.Style{Continuous: true, Window: 6, Start: time.Unix(0, 0)})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var before uint64
	const segments = 24 * 60 * 60 / 2
	for n := range uint64(segments) {
		o.Publish(1)
		if n == 1000 {
			before = heap()
		}
		if n%100 == 0 {
			ask(t, o, origin.Media)
			ask(t, o, origin.SegmentPath(n))
		}
	}
	if after := heap(); after > before+1<<20 {
		t.Errorf("%d bytes after an hour, %d after a day", before, after)
	}
}

func BenchmarkContinuous(b *testing.B) {
	o := origin.New(clipTS(b), origin.Style{Continuous: true, Window: 6, First: 1})
	o.Publish(10)
	n := uint64(10)
	for b.Loop() {
		o.Publish(1)
		n++
		b.SetBytes(int64(len(ask(b, o, origin.SegmentPath(n)))))
	}
}
