// Package thumbnail owns the small pictures of what was looked at, each with the places of who and what was recognised in it: a
// bbolt file of its own, bounded in bytes, whose loss loses nothing.
package thumbnail

import (
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"spotter/internal/durable"
	"spotter/timeline"
)

const (
	// Width is that of a picture in pixels, at most; its height follows from its shape.
	Width = 160
	// MostBoxes is how many places a picture keeps: those of people before those of things, the most certain first.
	MostBoxes = 32

	quality   = 70          // of the JPEG
	queued    = 16          // pictures that wait to be made small, of some 0.9 MB each
	batchFor  = time.Second // that what comes waits for more, to be written with one sync of the file
	mostBatch = 64          // pictures that are written at once
	mostName  = 256         // bytes of a name or an id
)

// Kinds of what has a place.
const (
	Celebrity = "celebrity"
	Object    = "object"
)

// Boxed is somebody or something recognised in a picture, and where.
type Boxed struct {
	Name string `json:"name"`
	ID   string `json:"id,omitempty"`
	// Kind is Celebrity or Object.
	Kind string `json:"kind"`
	// Confidence is 0 to 100.
	Confidence float64 `json:"confidence"`
	// Left, Top, Width and Height are parts of the picture's width and height, 0 to 1.
	Left   float64 `json:"left"`
	Top    float64 `json:"top"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
}

// Thumbnail is what is known of a kept picture.
type Thumbnail struct {
	At            timeline.Position
	Width, Height int // in pixels
	Boxes         []Boxed
}

// Options say how much is kept.
type Options struct {
	// Bytes is what the pictures of all media may take together, above 0. The file takes up to half as much again.
	Bytes int64
	// Room reports whether the disk takes anything; while it does not, pictures are dropped. nil: always.
	Room func() bool
	// Log hears of damage, and of what cannot be written, once; nil for nobody.
	Log *slog.Logger
}

// Store keeps the pictures. Its methods may be called from several goroutines, also on nil, which keeps nothing.
type Store struct {
	path    string
	options Options
	queue   chan item
	dropped atomic.Uint64
	closing chan struct{}
	done    chan struct{}
	end     sync.Once
	failed  error // of closing the file

	broken  chan struct{} // of capacity 1: a reader has met damage
	writing sync.Mutex    // held while the file is written or replaced
	faulty  bool          // the last write failed; for who holds writing

	mu    sync.RWMutex
	db    *durable.DB // nil where the damaged file could not be replaced
	index index
}

// item is a picture that waits, or only what was told later of one; then small is nil.
type item struct {
	media string
	at    timeline.Position
	small *image.RGBA
	boxes []Boxed
}

// ErrLocked is returned by Open where another process has the file open.
var ErrLocked = errors.New("another process has it open: stop that one")

// Open opens the file at path, or makes it with mode 0600. One that is damaged is set aside as <path>.damaged, in the place of an
// earlier one, and begun anew. Errors wrap ErrLocked or what the system said.
func Open(path string, o Options) (*Store, error) {
	if o.Bytes <= 0 {
		return nil, fmt.Errorf("open thumbnails %s: %d bytes are no room", path, o.Bytes)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		path: path, options: o, queue: make(chan item, queued), broken: make(chan struct{}, 1),
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	err := s.open()
	if errors.Is(err, errDamaged) {
		err = s.renew(err)
	}
	if err == nil {
		err = s.write(nil) // what is too much by now goes
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open thumbnails %s: %w", path, err), s.closeFile())
	}
	go s.run()
	return s, nil
}

// Close writes what waits and closes the file. Later calls do nothing.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	s.end.Do(func() {
		close(s.closing)
		<-s.done
		s.writing.Lock()
		defer s.writing.Unlock()
		s.failed = s.closeFile()
	})
	return s.failed
}

// Add keeps a picture in small, with who and what is where in it. It never waits: where too many pictures wait, or the disk takes
// nothing, this one is dropped. small must not be changed any more. A picture that is there already stays; its boxes are replaced
// unless there are none.
func (s *Store) Add(media string, at timeline.Position, small *image.RGBA, boxes []Boxed) {
	if s == nil || small == nil || small.Rect.Empty() {
		return
	}
	s.put(item{media, at, small, boxes})
}

// Tell adds to a picture that is kept what was told later of it: of the kinds in boxes, these take the place of the earlier ones.
// It never waits, as Add does not.
func (s *Store) Tell(media string, at timeline.Position, boxes []Boxed) {
	if s == nil || len(boxes) == 0 {
		return
	}
	s.put(item{media, at, nil, boxes})
}

func (s *Store) put(x item) {
	if s.options.Room != nil && !s.options.Room() {
		s.dropped.Add(1)
		return
	}
	select {
	case <-s.closing:
		return
	default:
	}
	select {
	case s.queue <- x:
	default:
		s.dropped.Add(1)
	}
}

// Usage returns how many pictures are kept, and how many bytes they take of Options.Bytes.
func (s *Store) Usage() (pictures int, bytes int64) {
	if s == nil {
		return 0, 0
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, list := range s.index.media {
		pictures += len(list)
	}
	return pictures, s.index.bytes
}

// Dropped returns how many pictures were not kept, because too many came at once or the disk took nothing.
func (s *Store) Dropped() uint64 {
	if s == nil {
		return 0
	}
	return s.dropped.Load()
}
