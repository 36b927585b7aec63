package capture_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"spotter/capture"
	"spotter/capture/playlist"
	"spotter/internal/origin"
)

// publisher is a made-up origin: when each of its segments is published, and how long each lasts.
type publisher struct {
	target    time.Duration
	durations []time.Duration
	at        []time.Duration
}

// habit is how a publisher works. The zero values are those of one that is punctual.
type habit struct {
	target, length time.Duration
	vary           float64 // lengths, by so much of length either way
	jitter         float64 // publications are late by up to so much of target
	drift          float64 // of the publisher's clock, in millionths
	batch          int     // segments that come at once
	restart        int     // after so many segments it goes on at another time
}

func (h habit) publisher(r *rand.Rand, n int) *publisher {
	p := &publisher{target: h.target}
	media := time.Duration(r.Float64() * float64(h.length))
	for i := range n {
		if h.restart > 0 && i > 0 && i%h.restart == 0 {
			media += time.Duration(r.Float64() * float64(h.length))
		}
		d := h.length + time.Duration(h.vary*(2*r.Float64()-1)*float64(h.length))
		media += time.Duration(float64(d) * (1 + h.drift/1e6))
		at := media + time.Duration(h.jitter*r.Float64()*float64(h.target))
		if i > 0 {
			at = max(at, p.at[i-1])
		}
		p.durations, p.at = append(p.durations, d), append(p.at, at)
	}
	for i := 0; h.batch > 0 && i+h.batch <= n; i += h.batch {
		for k := range h.batch {
			p.at[i+k] = p.at[i+h.batch-1]
		}
	}
	return p
}

// list is the playlist at some time. It is as short as RFC 8216 section 6.2.2 allows: three target durations.
func (p *publisher) list(now time.Duration) *playlist.Media {
	n, _ := slices.BinarySearch(p.at, now+1)
	first := n
	for d := time.Duration(0); first > 0 && d < 3*p.target; d += p.durations[first] {
		first--
	}
	m := &playlist.Media{Target: p.target, Sequence: uint64(first)}
	for i := first; i < n; i++ {
		m.Segments = append(m.Segments, playlist.Segment{Sequence: uint64(i), Duration: p.durations[i]})
	}
	return m
}

// tally is what a client saw.
type tally struct {
	lags  []time.Duration // from publication to the answer that tells of it, of each segment from the hundredth on
	early int             // loads in vain
	loads int
}

func (t *tally) add(x tally) {
	t.lags, t.early, t.loads = append(t.lags, x.lags...), t.early+x.early, t.loads+x.loads
}

func (t *tally) mean() (sum time.Duration) {
	for _, l := range t.lags {
		sum += l
	}
	return sum / time.Duration(len(t.lags))
}

func (t *tally) quantile(q float64) time.Duration {
	slices.Sort(t.lags)
	return t.lags[int(q*float64(len(t.lags)-1))]
}

// maxTrip is how long a request takes at most.
const maxTrip = 20 * time.Millisecond

// client loads the publisher's playlist until its end, as soon as it may or in phase. It fails where a load comes too
// early or too late, or a segment is lost.
func (p *publisher) client(t *testing.T, r *rand.Rand, inPhase bool) (seen tally) {
	t.Helper()
	const warm = 100
	var x capture.Phase
	zero := time.Unix(1_000_000, 0)
	now, next := p.at[3]+time.Duration(r.Float64()*float64(p.target)), uint64(3)
	for next < uint64(len(p.at)) {
		trip := maxTrip/4 + time.Duration(r.Float64()*float64(3*maxTrip/4))
		list := p.list(now + trip/2)
		if list.Sequence > next {
			t.Fatalf("segments %d to %d were lost", next, list.Sequence-1)
		}
		least, end := p.target/2, list.Sequence+uint64(len(list.Segments))
		if end > next {
			least = p.target
		}
		for ; next < end; next++ {
			if next >= warm {
				seen.lags = append(seen.lags, now+trip-p.at[next])
			}
		}
		wait := least
		if inPhase {
			x.Observe(list, zero.Add(now), zero.Add(now+trip))
			wait = x.Wait(least)
		}
		if wait < least || wait > 2*p.target {
			t.Fatalf("a wait of %v, where at least %v is due and the target duration is %v", wait, least, p.target)
		}
		if next >= warm {
			if seen.loads++; least < p.target {
				seen.early++
			}
		}
		now += wait + time.Duration(r.Float64()*float64(500*time.Microsecond)) // timers are late
	}
	return seen
}

// followed is what clients saw of publishers of one habit: one that loads as soon as it may, and one in phase.
func (h habit) followed(t *testing.T) (soonest, inPhase tally) {
	t.Helper()
	for seed := range uint64(20) {
		p := h.publisher(rand.New(rand.NewPCG(seed, 1)), 1000)
		soonest.add(p.client(t, rand.New(rand.NewPCG(seed, 2)), false))
		inPhase.add(p.client(t, rand.New(rand.NewPCG(seed, 2)), true))
	}
	return soonest, inPhase
}

// Once it is known when a regular publisher publishes, 95 % of the segments are told of within an eighth of the target
// duration, the publisher's jitter and the time of a request.
func TestPhaseOfRegularPublishers(t *testing.T) {
	for name, h := range map[string]habit{
		"punctual, 2 s":             {target: 2 * time.Second, length: 2 * time.Second},
		"punctual, 6 s":             {target: 6 * time.Second, length: 6 * time.Second},
		"late by up to a twentieth": {target: 2 * time.Second, length: 2 * time.Second, jitter: .05},
		"late by up to a tenth":     {target: 2 * time.Second, length: 2 * time.Second, jitter: .1},
		"late by up to a fifth":     {target: 2 * time.Second, length: 2 * time.Second, jitter: .2},
		"a fast clock":              {target: 2 * time.Second, length: 2 * time.Second, drift: -50},
		"a slow clock":              {target: 2 * time.Second, length: 2 * time.Second, drift: 50},
		"1 s, late":                 {target: time.Second, length: time.Second, jitter: .1},
	} {
		t.Run(name, func(t *testing.T) {
			_, x := h.followed(t)
			p95, most := x.quantile(.95), time.Duration((.125+h.jitter)*float64(h.target))+maxTrip
			if p95 > most {
				t.Errorf("p95 is %v, want at most %v", p95, most)
			}
			if early := float64(x.early) / float64(x.loads); early > .01 {
				t.Errorf("%.1f %% of the loads were in vain", 100*early)
			}
		})
	}
}

// Where segments are shorter or longer than the target duration the mean is less than it was.
func TestPhaseOfOtherLengths(t *testing.T) {
	for name, tc := range map[string]struct {
		habit
		most float64 // of the mean without
	}{
		"1.92 of 2 s":  {habit{target: 2 * time.Second, length: 1920 * time.Millisecond}, .6},
		"3.84 of 4 s":  {habit{target: 4 * time.Second, length: 3840 * time.Millisecond}, .6},
		"6.006 of 6 s": {habit{target: 6 * time.Second, length: 6006 * time.Millisecond}, .4},
		"6.006 of 7 s": {habit{target: 7 * time.Second, length: 6006 * time.Millisecond}, .75},
		"1.6 of 2 s":   {habit{target: 2 * time.Second, length: 1600 * time.Millisecond}, .8},
		"2.4 of 2 s":   {habit{target: 2 * time.Second, length: 2400 * time.Millisecond}, .4},
	} {
		t.Run(name, func(t *testing.T) {
			soonest, x := tc.followed(t)
			if got := float64(x.mean()) / float64(soonest.mean()); got > tc.most {
				t.Errorf("the mean is %.2f of what it was, want at most %.2f", got, tc.most)
			}
			notWorse(t, soonest, x)
		})
	}
}

// A publisher without a schedule is followed as well as it was.
func TestPhaseOfIrregularPublishers(t *testing.T) {
	for name, h := range map[string]habit{
		"late by up to all of it": {target: 2 * time.Second, length: 2 * time.Second, jitter: 1},
		"late by up to half":      {target: 2 * time.Second, length: 2 * time.Second, jitter: .5},
		"lengths, by a fifth":     {target: 6 * time.Second, length: 5 * time.Second, vary: .2},
		"lengths, by a tenth":     {target: 6 * time.Second, length: 5500 * time.Millisecond, vary: .1},
		"lengths, by half":        {target: 6 * time.Second, length: 4 * time.Second, vary: .5},
		"half of the target":      {target: 2 * time.Second, length: time.Second},
		"two at once":             {target: 2 * time.Second, length: 2 * time.Second, batch: 2},
		"pauses, often":           {target: 2 * time.Second, length: 2 * time.Second, restart: 10, jitter: .1},
		"pauses":                  {target: 2 * time.Second, length: 2 * time.Second, restart: 40},
		"pauses, at times":        {target: 2 * time.Second, length: 2 * time.Second, restart: 150},
		"pauses, seldom":          {target: 2 * time.Second, length: 2 * time.Second, restart: 300, jitter: .1},
	} {
		t.Run(name, func(t *testing.T) {
			soonest, x := h.followed(t)
			notWorse(t, soonest, x)
		})
	}
}

func notWorse(t *testing.T, soonest, inPhase tally) {
	t.Helper()
	if was, is := soonest.quantile(.95), inPhase.quantile(.95); is > was+was/10 {
		t.Errorf("p95 is %v, was %v", is, was)
	}
}

// FuzzPhase holds loads to RFC 8216 section 6.3.4 and to two target durations, whatever playlists say and clocks do.
func FuzzPhase(f *testing.F) {
	f.Add([]byte{8, 1, 8, 1, 8, 1, 8, 1, 12, 2, 14, 2, 15, 2})
	f.Add([]byte{8, 1, 4, 0, 4, 1, 8, 200, 8, 3, 255, 1, 0, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		const target = 2 * time.Second
		var x capture.Phase
		now, list := time.Unix(1_000_000, 0), &playlist.Media{Target: target}
		for ; len(steps) >= 2; steps = steps[2:] {
			now = now.Add(time.Duration(steps[0]) * target / 8)
			fresh := int(steps[1])
			list = &playlist.Media{Target: target, Sequence: list.Sequence + uint64(len(list.Segments))}
			for i := range fresh % 8 {
				list.Segments = append(list.Segments, playlist.Segment{Sequence: list.Sequence + uint64(i), Duration: time.Duration(fresh) * target / 16})
			}
			x.Observe(list, now, now.Add(time.Duration(steps[0]%8)*10*time.Millisecond))
			least := target
			if fresh%8 == 0 {
				least = target / 2
			}
			if wait := x.Wait(least); wait < least || wait > 2*target {
				t.Fatalf("a wait of %v, where at least %v is due", wait, least)
			}
		}
	})
}

// The follower comes into phase with an origin that publishes 1.5 s after its loads began.
func TestReloadsInPhase(t *testing.T) {
	inBubble(t, clipTS, window, func(r *rig) {
		r.Publish(5)
		r.start()
		var published []time.Duration
		for i := range 60 {
			r.pass(time.Until(r.began.Add(time.Duration(2*i)*time.Second + 500*time.Millisecond)))
			r.Publish(1)
			published = append(published, time.Since(r.began))
		}
		loads := r.loads(origin.Media)
		for i := 1; i < len(loads); i++ {
			if wait := loads[i] - loads[i-1]; wait < 2*time.Second || wait > 4*time.Second {
				t.Errorf("load %d came after %v", i, wait)
			}
		}
		for _, at := range published[30:59] {
			next, _ := slices.BinarySearch(loads, at)
			if lag := loads[next] - at; lag > 250*time.Millisecond {
				t.Errorf("what was published at %v was seen after %v", at, lag)
			}
		}
		equal(t, "segments", numbers(102, 163), r.sequences()[:62])
		equal(t, "faults", 0, len(r.kinds()))
	})
}
