package main_test

import (
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/fakeaws"
	hls "spotter/internal/origin"
	"spotter/timeline"
)

// networkFault is what happens to a network for some seconds.
type networkFault struct {
	name  string
	begin func(n *hls.Network)
	live  bool // the stream is analysed all the while
}

// networkFaults are the faults of a network, for a stream of so many thousand bytes a second.
func networkFaults(rate int) []networkFault {
	return []networkFault{
		{"latency of 300 ms, give or take 100", func(n *hls.Network) { n.Latency(300*time.Millisecond, 100*time.Millisecond) }, true},
		{"bandwidth just above the stream's", func(n *hls.Network) { n.Bandwidth(rate * 3 / 2) }, true},
		{"bandwidth far below the stream's", func(n *hls.Network) { n.Bandwidth(rate / 8) }, false},
		{"black hole", func(n *hls.Network) { n.BlackHole(0) }, false},
		{"connections reset", func(n *hls.Network) { n.ResetPeer(20 * time.Millisecond) }, false},
		{"small slices", func(n *hls.Network) { n.Slice(4000, time.Millisecond) }, true},
		{"connections of so many bytes", func(n *hls.Network) { n.LimitData(rate * 1000 / 2) }, false},
		{"cut", (*hls.Network).Cut, false},
	}
}

const (
	drillRounds = 3
	drillLasts  = 5  // seconds that a fault lasts at least
	drillWindow = 20 // segments in the playlist: nothing need be lost
	drillApart  = 300 * time.Millisecond
	drillTarget = 2 * time.Second // two target durations
	calm        = "calm"          // the stream without a network
)

// drill is a box that reads one live stream many times, each time through a network with a fault of its own.
type drill struct {
	*box
	origin    *hls.Origin
	published int
	next      *time.Ticker // of the publication
	faults    []networkFault
	networks  []*hls.Network
	took      [][]time.Duration // by fault and round
	settled   timeline.Position // until where all streams are analysed
}

// TestDrill has the networks between box and origin fail, all at once and again and again, behind the real Toxiproxy. They
// are well again one after the other, and no other test runs beside this one, because it measures time. A fault's stream
// must be analysed again, up to where it was published when the fault ended, within two target durations at the 95th
// percentile, without a loss, at the positions of the stream that nothing happened to, and by the same process.
func TestDrill(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of real time")
	}
	d := newDrill(t)
	born := d.birth()
	for range drillRounds {
		d.round()
	}
	if now := d.birth(); now != born {
		t.Errorf("another process: %q, was %q", now, born)
	}
	d.report()
	undisturbed := d.scenes(calm)
	if faults := d.status(calm).Faults; len(faults) > 0 {
		t.Errorf("the stream that nothing happened to has faults: %+v", faults)
	}
	if least := drillRounds * drillLasts; len(undisturbed) < least {
		t.Fatalf("%d scenes of the stream that nothing happened to, want %d at least", len(undisturbed), least)
	}
	for i, f := range d.faults {
		got := d.scenes(d.id(i))
		t.Run(f.name, func(t *testing.T) {
			t.Logf("analysed again after %v", d.took[i])
			if diff := cmp.Diff(undisturbed, got); diff != "" {
				t.Errorf("scenes (-undisturbed +got):\n%s", diff)
			}
		})
	}
	d.stop()
}

func newDrill(t *testing.T) *drill {
	t.Helper()
	const first = 6
	cloud := httptest.NewServer(new(fakeaws.Rekognition))
	t.Cleanup(cloud.Close)
	needPictures(t)
	clip, err := hls.Encode(t.Context(), hls.Recipe{Segments: 20, Length: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	o := hls.New(clip, hls.Style{Window: drillWindow, Continuous: true})
	o.Publish(first)
	direct := httptest.NewServer(o)
	t.Cleanup(direct.Close)
	d := &drill{origin: o, published: first, faults: networkFaults(rate(clip))}
	d.took = make([][]time.Duration, len(d.faults))
	media := []string{"media:", "  - {id: " + calm + ", url: '" + direct.URL + hls.Media + "'}"}
	for i := range d.faults {
		n := hls.NewNetwork(t, o)
		d.networks = append(d.networks, n)
		media = append(media, "  - {id: "+d.id(i)+", url: '"+n.URL()+hls.Media+"'}")
	}
	media = append(media, "vision: {mode: cloud-only, max_scene: 1s, rekognition: {calls_per_second: 1000, usd_per_hour: 1000, deadline: 20s}}")
	d.box = start(t, config(newData(t), media...), "AWS_ENDPOINT_URL_REKOGNITION="+cloud.URL)
	d.next = time.NewTicker(time.Second)
	t.Cleanup(d.next.Stop)
	d.onAir("all streams are analysed", func() bool { return d.reached(calm, 0) && d.all(0) })
	return d
}

// rate returns how many thousand bytes a clip's longest segment has.
func rate(clip hls.Clip) (most int) {
	for _, s := range clip.Segments {
		most = max(most, len(s.Body)/1000)
	}
	return most
}

func (d *drill) id(i int) string { return "fault-" + string(rune('a'+i)) }

// edge returns the position at which the newest segment ends.
func (d *drill) edge() timeline.Position { return timeline.Position(d.published-behind) * second }

// reached reports whether a media is analysed until a position, or at all where that is 0.
func (d *drill) reached(media string, until timeline.Position) bool {
	s := d.status(media)
	return s.AnalyzedUntil != nil && *s.AnalyzedUntil >= until
}

func (d *drill) all(until timeline.Position) bool {
	for i := range d.faults {
		if !d.reached(d.id(i), until) {
			return false
		}
	}
	return true
}

// birth tells one process from another.
func (d *drill) birth() string {
	var s struct {
		StartedAt string `json:"started_at"`
	}
	d.get("/v1/media/"+calm, &s)
	return s.StartedAt + " " + d.metric("process_start_time_seconds")
}

// onAir publishes a segment each second until cond holds.
func (d *drill) onAir(what string, cond func() bool) {
	d.t.Helper()
	eventually(d.t, what, func() bool {
		select {
		case <-d.next.C:
			d.origin.Publish(1)
			d.published++
		default:
		}
		return cond()
	})
}

// round lets all networks fail for a while, and notes how long after the end of that each stream was analysed again.
func (d *drill) round() {
	for i, f := range d.faults {
		f.begin(d.networks[i])
	}
	over := d.published + drillLasts
	d.onAir("the faults are over", func() bool { return d.published >= over })
	ended, took, until := make([]time.Time, len(d.faults)), make([]time.Duration, len(d.faults)), make([]timeline.Position, len(d.faults))
	well, again := 0, 0
	d.onAir("all streams are analysed again", func() bool {
		if well < len(ended) && (well == 0 || time.Since(ended[well-1]) >= drillApart) {
			d.heal(well)
			ended[well], until[well] = time.Now(), d.edge()
			well++
		}
		for i := range well {
			if took[i] == 0 && d.reached(d.id(i), until[i]) {
				took[i] = time.Since(ended[i])
				again++
			}
		}
		return again == len(took)
	})
	for i := range took {
		d.took[i] = append(d.took[i], took[i])
	}
	d.settled = d.edge() + 2*second
	d.onAir("all streams are quiet", func() bool { return d.reached(calm, d.settled) && d.all(d.settled) })
}

// heal ends the fault of a network.
func (d *drill) heal(i int) {
	f := d.faults[i]
	if f.live && !d.reached(d.id(i), d.edge()-(drillLasts-1)*second) {
		d.t.Errorf("%s: not analysed meanwhile: %+v", f.name, d.status(d.id(i)))
	}
	d.networks[i].Heal()
}

// report prints how long it took, and judges that.
func (d *drill) report() {
	var all []time.Duration
	for i := range d.faults {
		all = append(all, d.took[i]...)
	}
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[int(q*float64(len(all)-1))].Round(time.Millisecond) }
	d.t.Logf("%d faults: p50 %v, p95 %v, at most %v", len(all), at(0.5), at(0.95), at(1))
	if at(0.95) > drillTarget {
		d.t.Errorf("p95 is %v, want %v at most", at(0.95), drillTarget)
	}
}

// scenes are those of a media that all streams have by now.
func (d *drill) scenes(media string) (out []timeline.Span) {
	for _, o := range d.timeline(media) {
		if o.Until <= d.settled {
			out = append(out, o.Span)
		}
	}
	return out
}
