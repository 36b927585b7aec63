//go:build crash && linux

package crash_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"spotter/engage/ledger"
	"spotter/engage/policy"
	"spotter/store"
	"spotter/sync/outbox"
	"spotter/timeline"
)

// Environment of a worker.
const (
	envDir   = "SPOTTER_CRASH_DIR"   // its data
	envSeed  = "SPOTTER_CRASH_SEED"  // of its choices
	envLimit = "SPOTTER_CRASH_LIMIT" // how many operations it does before it ends; none for no end
)

// exitFault is a worker's code when disk or files refused something, which it said on standard error.
const exitFault = 3

// appenders is how many goroutines append to the ledger, and so how many records may be there that nobody acknowledged.
const appenders = 4

const (
	sinkTable  = "dynamodb"
	sinkTopic  = "sns"
	sinkBucket = "s3"
	spoolBytes = 1 << 20
	storeName  = "spotter.db"
)

func sinks() []store.Sink {
	return []store.Sink{{Name: sinkTable}, {Name: sinkTopic, Kind: store.Segments}, {Name: sinkBucket, Kind: store.Frames}}
}

func openStore(dir string) (*store.Store, error) {
	return store.Open(filepath.Join(dir, storeName), store.Options{Sinks: sinks(), SpoolBytes: spoolBytes})
}

// work is the worker: the real store, drainers and ledger at full speed, without video. It returns the exit code.
func work(dir string) int {
	seed, _ := strconv.ParseUint(os.Getenv(envSeed), 10, 64)
	limit, _ := strconv.Atoi(os.Getenv(envLimit))
	if err := workUntil(dir, rand.New(rand.NewPCG(seed, 0)), limit); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFault
	}
	return 0
}

func workUntil(dir string, rng *rand.Rand, limit int) error {
	s, err := openStore(dir)
	if err != nil {
		return err
	}
	l, err := ledger.Open(dir, ledger.Options{})
	if err != nil {
		return err
	}
	say(note{What: opened})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	fault := make(chan error, appenders+1+len(sinks()))
	run := func(f func() error) {
		wg.Go(func() {
			if err := f(); err != nil {
				fault <- err
				cancel()
			}
		})
	}
	if rng.IntN(4) > 0 { // else the cloud is away
		for _, sink := range sinks() {
			d := &outbox.Drainer{Sink: sink.Name, Store: s, Put: putNote(sink.Name), Workers: 1 + rng.IntN(3)}
			run(func() error { return d.Run(ctx) })
		}
	}
	var n atomic.Uint64
	for i := range appenders {
		run(func() error { return appendUntil(ctx, l, i, &n) })
	}
	run(func() error { return flushUntil(ctx, l) })
	w := &writer{s: s, rng: rng, spooled: map[string][]timeline.Position{}}
	for i := 0; ctx.Err() == nil && (limit == 0 || i < limit); i++ {
		if err := w.step(); err != nil {
			return err
		}
	}
	cancel()
	wg.Wait()
	select {
	case err := <-fault:
		return err
	default:
		return nil // the files are left as a crash leaves them
	}
}

// putNote is a cloud whose table is the parent's memory.
func putNote(sink string) func(ctx context.Context, e store.Entry) error {
	return func(_ context.Context, e store.Entry) error {
		p := &put{Sink: sink}
		switch {
		case e.Observation != nil:
			p.place = place{e.Observation.Media, e.Observation.From}
			p.Scene = sceneOf(e.Observation)
		case e.Segment != nil:
			p.place = place{e.Segment.Media, e.Segment.From}
		case e.Frame != nil:
			p.place = place{e.Frame.Media, e.Frame.At}
		}
		say(note{What: cloud, Put: p})
		return nil
	}
}

func sceneOf(o *timeline.Observation) *scene {
	s := &scene{Until: o.Until, Revision: o.Revision, Open: o.Open}
	if len(o.Celebrities) > 0 {
		s.Name = o.Celebrities[0].Name
	}
	return s
}

// appendUntil makes decisions, with an event for every third.
func appendUntil(ctx context.Context, l *ledger.Ledger, who int, n *atomic.Uint64) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	v := l.Viewer(viewerName(who))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		i := n.Add(1)
		d := &ledger.Record{Decision: &ledger.Decision{
			At: time.Now(), Media: "cup", Position: 1000, Viewer: v, Propensity: 0.5, Policy: "linucb-1", Cost: 1,
			Case: &policy.Case{
				Context: []policy.Feature{{Name: fmt.Sprint("city=", i%50), Value: 1}},
				Arms:    []policy.Arm{{Instrument: "other"}, {Instrument: fmt.Sprint("instrument-", i%7)}},
			},
			Choice: 1,
		}}
		if err := l.Append(d); err != nil {
			return err
		}
		say(note{What: appendDone, Record: &appended{Number: d.Number, Viewer: who, Instrument: fmt.Sprint("instrument-", i%7)}})
		if i%3 > 0 {
			continue
		}
		e := &ledger.Record{Event: &ledger.Event{At: time.Now(), Decision: d.Number, Type: "click", Value: 1, Reward: 1}}
		if err := l.Append(e); err != nil {
			return err
		}
		say(note{What: appendDone, Record: &appended{Number: e.Number, Viewer: who, Of: d.Number}})
	}
}

func flushUntil(ctx context.Context, l *ledger.Ledger) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		list, err := l.Flush()
		if err != nil {
			return err
		}
		if len(list) > 0 {
			say(note{What: flush, Number: list[len(list)-1].Number})
		}
	}
}

// writer does the store's operations.
type writer struct {
	s       *store.Store
	rng     *rand.Rand
	spooled map[string][]timeline.Position
}

// keepScenes is how many scenes of a media a prune leaves.
const keepScenes = 40

// step does one operation, which it announces and acknowledges.
func (w *writer) step() error {
	media := []string{"cup", "final"}[w.rng.IntN(2)]
	t, ok := w.s.Timeline(media)
	if !ok || t.Last() == nil {
		return w.newScene(place{media, 0})
	}
	last := t.Last()
	switch op := w.rng.IntN(20); {
	case op < 6:
		return w.newScene(place{media, last.From + 1000})
	case op < 11 && last.Open:
		return w.grow(last)
	case op < 14:
		list := t.Within(timeline.Span{From: last.From - 30_000, Until: last.Until})
		return w.revise(list[w.rng.IntN(len(list))])
	case op < 16:
		return w.spool(last)
	case op < 18 && len(w.spooled[media]) > 0:
		return w.unspool(t, media)
	case op == 19:
		before := last.From - keepScenes*1000
		return w.do(operation{place: place{Media: media}, Prune: max(before, 1)}, func() error {
			_, err := w.s.Prune(media, before)
			return err
		})
	default:
		return w.newScene(place{media, last.From + 1000})
	}
}

// do runs one operation between its notes.
func (w *writer) do(o operation, f func() error) error {
	say(note{What: begin, Op: &o})
	if err := f(); err != nil {
		return err
	}
	say(note{What: done, Op: &o})
	return nil
}

func (w *writer) newScene(p place) error {
	s := scene{Until: p.From + 200, Revision: 1, Name: w.name(), Open: w.rng.IntN(3) > 0}
	return w.record(p, s)
}

func (w *writer) grow(o *timeline.Observation) error {
	s := *sceneOf(o)
	s.Until = min(o.From+1000, s.Until+timeline.Position(w.rng.IntN(300)+1))
	if s.Until == o.Until || w.rng.IntN(3) == 0 {
		s.Open = false
		s.Revision++
	}
	return w.record(place{o.Media, o.From}, s)
}

// record writes a scene, with a segment and a frame of the same place.
func (w *writer) record(p place, s scene) error {
	o := operation{place: p, Scene: &s, Clock: strconv.FormatUint(w.rng.Uint64(), 36)}
	return w.do(o, func() error {
		return w.s.Record(store.Batch{
			Media: p.Media, Clock: []byte(o.Clock),
			Observations: []*timeline.Observation{{
				Media: p.Media, Span: timeline.Span{From: p.From, Until: s.Until}, Source: timeline.SourceClassic, Open: s.Open,
				Celebrities: entity(s.Name), At: time.Now(),
			}},
			Analyzed: []timeline.Span{{From: p.From, Until: s.Until}},
			Segments: []store.Segment{{Media: p.Media, URL: "https://origin.example/" + p.From.String(), From: p.From}},
			Frames:   []store.Frame{{Media: p.Media, At: p.From, JPEG: picture(p.From)}},
		})
	})
}

// picture is of a size and content that tell where it belongs.
func picture(p timeline.Position) []byte {
	b := make([]byte, 500+p%3000)
	for i := range b {
		b[i] = byte(p/1000) + byte(i)
	}
	return b
}

func (w *writer) revise(o *timeline.Observation) error {
	s := *sceneOf(o)
	s.Revision++
	s.Name = w.name()
	return w.do(operation{place: place{o.Media, o.From}, Scene: &s}, func() error {
		found, err := w.s.Revise(o.Media, o.From, better(s.Name))
		return missing(found, err)
	})
}

func (w *writer) spool(o *timeline.Observation) error {
	err := w.do(operation{place: place{o.Media, o.From}, Spool: true}, func() error {
		_, err := w.s.Spool(store.SpooledFrame{
			Media: o.Media, From: o.From, Until: o.From, At: time.Now(), Want: 1, Width: 640, Height: 360, JPEG: picture(o.From),
		})
		return err
	})
	w.spooled[o.Media] = append(w.spooled[o.Media], o.From)
	return err
}

// unspool takes the newest frame out with a better answer, as when the cloud is back.
func (w *writer) unspool(t *timeline.Timeline, media string) error {
	list := w.spooled[media]
	from := list[len(list)-1]
	w.spooled[media] = list[:len(list)-1]
	o := t.At(from)
	if o == nil {
		return nil // pruned, and its frame with it
	}
	s := *sceneOf(o)
	s.Revision++
	s.Name = w.name()
	return w.do(operation{place: place{media, from}, Scene: &s, Unspool: true}, func() error {
		found, err := w.s.Unspool(media, from, better(s.Name))
		_ = found // a frame that was spooled twice is there once: then nothing changes
		return err
	})
}

func better(name string) func(o *timeline.Observation) bool {
	return func(o *timeline.Observation) bool {
		o.Source, o.Celebrities = timeline.SourceRekognition, entity(name)
		return true
	}
}

func missing(found bool, err error) error {
	if err == nil && !found {
		return errors.New("what the snapshot has is not in the file")
	}
	return err
}

func (w *writer) name() string { return strconv.FormatUint(w.rng.Uint64(), 36) }

func entity(name string) []timeline.Entity {
	return []timeline.Entity{{Name: name, Confidence: 90}}
}
