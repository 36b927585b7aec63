package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
	"spotter/store"
	"spotter/store/thumbnail"
	"spotter/timeline"
	"spotter/vision"
)

// thumbnailFile is in the folder of the store.
const thumbnailFile = "thumbnails.db"

// defaultThumbnails is room for some forty thousand pictures: a day and night of one busy stream.
const defaultThumbnails = "256MiB"

// openThumbnails opens the pictures of the timeline, or returns nil where none are kept. The box can do without, so what goes wrong
// is said and no more. room reports whether the disk takes anything.
func openThumbnails(c *config, room func() bool, registry prometheus.Registerer, log *slog.Logger) *thumbnail.Store {
	path := filepath.Join(c.DataDir, thumbnailFile)
	limit := parseBytes(c.Timeline.Thumbnails)
	if limit <= 0 {
		if err := thumbnail.Remove(path); err != nil {
			log.Warn("timeline.thumbnails is 0, and those of before stay: delete the file", "error", err)
		}
		return nil
	}
	s, err := thumbnail.Open(path, thumbnail.Options{Bytes: limit, Room: room, Log: log})
	if err != nil {
		log.Warn("the timeline has no pictures; all else goes on", "error", err)
		return nil
	}
	registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "spotter_thumbnails_bytes", Help: "Bytes that the timeline's pictures take of timeline.thumbnails.",
		}, func() float64 { _, n := s.Usage(); return float64(n) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "spotter_thumbnails_dropped_total", Help: "Pictures of the timeline that were not kept: too many came at once, or the disk took nothing.",
		}, func() float64 { return float64(s.Dropped()) }),
	)
	return s
}

// thumbnailRetention has pictures go with the observations that they belong to.
type thumbnailRetention struct {
	pictures *thumbnail.Store
	store    *store.Store
	age      time.Duration // of retention.age, for media of which the store knows nothing
	log      *slog.Logger
}

// run drops pictures as the retention has it, until ctx is done.
func (r *thumbnailRetention) run(ctx context.Context) {
	tick := time.NewTicker(houseKeeping)
	defer tick.Stop()
	for {
		if err := r.tidy(time.Now()); err != nil {
			r.log.Warn("old pictures of the timeline stay", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// tidy drops the pictures of before a media's timeline begins.
func (r *thumbnailRetention) tidy(now time.Time) error {
	begins := make(map[string]timeline.Position)
	for _, id := range r.store.Media() {
		t, ok := r.store.Timeline(id)
		if !ok || len(t.Analyzed()) == 0 {
			continue
		}
		begins[id] = t.Analyzed()[0].From
		if oldest, waits := r.store.OldestSpooled(id); waits { // what it shows is not told yet
			begins[id] = min(begins[id], oldest)
		}
	}
	return r.pictures.Prune(func(media string, at timeline.Position, added time.Time) bool {
		if begin, known := begins[media]; known {
			return at >= begin
		}
		return now.Sub(added) < r.age
	})
}

// shownThumbnails shows the pictures to those who ask the viewer API.
type shownThumbnails struct{ *thumbnail.Store }

// viewerThumbnails returns what the viewer API shows of s: nil where none are kept.
func viewerThumbnails(s *thumbnail.Store) httpapi.Thumbnails {
	if s == nil {
		return nil
	}
	return shownThumbnails{s}
}

// Within implements httpapi.Thumbnails.
func (s shownThumbnails) Within(media string, w timeline.Span, most int) ([]httpapi.Thumbnail, bool, error) {
	list, thinned, err := s.Store.Within(media, w, most)
	out := make([]httpapi.Thumbnail, len(list))
	for i, t := range list {
		out[i] = httpapi.Thumbnail{At: t.At, Width: t.Width, Height: t.Height, Boxes: make([]httpapi.ThumbnailBox, len(t.Boxes))}
		for j, b := range t.Boxes {
			out[i].Boxes[j] = httpapi.ThumbnailBox(b)
		}
	}
	return out, thinned, err
}

// boxesOf returns where in a picture is who and what an answer about it names. Where the recogniser does not say, local models may;
// whose a face is, who tells it.
func boxesOf(a vision.Answer, s *vision.Sight, who func(*vision.Face) timeline.Entity) (boxes []thumbnail.Boxed) {
	people := newPlaced(thumbnail.Celebrity, a.Celebrities)
	for _, f := range a.Faces {
		people.add(f.Who, f.Box)
	}
	things := newPlaced(thumbnail.Object, a.Objects)
	things.addAll(a.Places)
	if s != nil {
		for i := range s.Faces {
			people.add(who(&s.Faces[i]), s.Faces[i].Box)
		}
		if len(a.Places) == 0 {
			things.addAll(s.Places)
		}
	}
	return append(people.boxes, things.boxes...)
}

// placed gathers the boxes of one kind.
type placed struct {
	kind  string
	known []timeline.Entity // who or what else is found is left out
	boxes []thumbnail.Boxed
}

func newPlaced(kind string, known []timeline.Entity) *placed {
	return &placed{kind: kind, known: known}
}

// samePlace is the least overlap of two boxes of one face, which two recognisers found.
const samePlace = 0.3

// add adds a box, unless its entity is not known or has one about there.
func (p *placed) add(e timeline.Entity, b vision.Box) {
	i := slices.IndexFunc(p.known, func(k timeline.Entity) bool {
		return len(vision.Union([]timeline.Entity{k}, []timeline.Entity{e})) == 1
	})
	if e.Name == "" || i < 0 || !(b.Width > 0 && b.Height > 0) {
		return
	}
	k := p.known[i]
	for _, other := range p.boxes {
		there := vision.Box{Left: other.Left, Top: other.Top, Width: other.Width, Height: other.Height}
		if other.Name == k.Name && other.ID == k.ID && there.Overlap(b) >= samePlace {
			return
		}
	}
	p.boxes = append(p.boxes, thumbnail.Boxed{
		Name: k.Name, ID: k.ID, Kind: p.kind, Confidence: e.Confidence, Left: b.Left, Top: b.Top, Width: b.Width, Height: b.Height,
	})
}

func (p *placed) addAll(list []vision.Place) {
	for _, x := range list {
		p.add(timeline.Entity{Name: x.Name, Confidence: x.Confidence}, x.Box)
	}
}

// whose returns whose a face is, by the gallery or by what the cloud said before; without a name where nobody knows.
func (a *asking) whose(f *vision.Face) timeline.Entity {
	if f.Who.Name != "" || a.faces == nil || f.Embedding == nil {
		return f.Who
	}
	if known, _ := a.faces.Known([]vision.Face{*f}); len(known) > 0 {
		return known[0]
	}
	return timeline.Entity{}
}

// keepPicture keeps the picture that an event asked about, with where in it is what the answer names.
func (o *observing) keepPicture(e vision.Event) {
	o.thumbnails.Add(o.media.ID, e.Picture.At, e.Picture.Small, o.asking.boxes)
	o.asking.boxes = nil
}

// tellPicture adds to the picture of an event where is what its observation says since a better answer came.
func (a *asking) tellPicture(e vision.Event, s *vision.Sight, better vision.Answer) {
	t, ok := a.recorder.Timeline(a.media.ID)
	if !ok || a.thumbnails == nil {
		return
	}
	if now := t.At(e.From); now != nil {
		better.Celebrities, better.Objects = now.Celebrities, now.Objects
		a.thumbnails.Tell(a.media.ID, e.Picture.At, boxesOf(better, s, a.whose))
	}
}
