package thumbnail

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"math"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/image/draw"

	"spotter/timeline"
)

// made is a picture that is ready to be written, or what was told later of one; then jpeg is nil.
type made struct {
	media string
	at    timeline.Position
	about about
	jpeg  []byte
}

// run makes pictures small and writes them, until Close.
func (s *Store) run() {
	defer close(s.done)
	for {
		select {
		case x := <-s.queue:
			s.say(s.write(s.gather(x)))
		case <-s.broken:
			s.say(s.replace(errors.New("a picture could not be read")))
		case <-s.closing:
			var batch []made
			for more := true; more; {
				select {
				case x := <-s.queue:
					batch = append(batch, shrink(x))
				default:
					more = false
				}
			}
			s.say(s.write(batch))
			return
		}
	}
}

// gather waits a moment for more to write with x.
func (s *Store) gather(x item) []made {
	batch := []made{shrink(x)}
	timer := time.NewTimer(batchFor)
	defer timer.Stop()
	for len(batch) < mostBatch {
		select {
		case x := <-s.queue:
			batch = append(batch, shrink(x))
		case <-timer.C:
			return batch
		case <-s.closing:
			return batch
		}
	}
	return batch
}

// say tells once that nothing can be written, until something can.
func (s *Store) say(err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err != nil && !s.faulty {
		s.options.Log.Warn("the timeline's pictures are not kept: see that the disk has room and takes writes", "path", s.path, "error", err)
	}
	s.faulty = err != nil
}

// shrink makes a picture small.
func shrink(x item) made {
	m := made{media: x.media, at: x.at, about: about{boxes: fit(x.boxes)}}
	if x.small == nil {
		return m
	}
	size := x.small.Rect.Size()
	small := x.small
	if size.X > Width {
		size = image.Pt(Width, max(1, (size.Y*Width+size.X/2)/size.X))
		small = image.NewRGBA(image.Rectangle{Max: size})
		draw.BiLinear.Scale(small, small.Rect, x.small, x.small.Rect, draw.Src, nil)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, small, &jpeg.Options{Quality: quality}); err != nil {
		return m // of more than 65535 pixels a side, which no picture has here
	}
	m.jpeg = b.Bytes()
	m.about.added = time.Now().UnixMicro()
	m.about.width, m.about.height = size.X, size.Y
	m.about.size, m.about.sum = uint32(b.Len()), crc32.ChecksumIEEE(m.jpeg)
	return m
}

// parts is how exact a box is: to a tenth of a pixel of the widest picture.
const parts = 20_000

// fit returns the boxes that are of use: within the picture, and not too many.
func fit(boxes []Boxed) []Boxed {
	var list []Boxed
	for _, b := range boxes {
		right, bottom := min(b.Left+b.Width, 1), min(b.Top+b.Height, 1)
		b.Left, b.Top = max(b.Left, 0), max(b.Top, 0)
		b.Width, b.Height = right-b.Left, bottom-b.Top
		if !(b.Width > 0 && b.Height > 0 && b.Confidence >= 0) || b.Name == "" || len(b.Name) > mostName || len(b.ID) > mostName {
			continue
		}
		b.Confidence = min(b.Confidence, 100)
		for _, part := range []*float64{&b.Left, &b.Top, &b.Width, &b.Height} {
			*part = math.Round(*part*parts) / parts
		}
		list = append(list, b)
	}
	slices.SortStableFunc(list, func(a, b Boxed) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.Confidence, a.Confidence))
	})
	return list[:min(len(list), MostBoxes)]
}

// told returns the boxes of a picture after later ones came: of their kinds, these.
func told(before, later []Boxed) []Boxed {
	list := slices.Clone(later)
	for _, b := range before {
		if !slices.ContainsFunc(later, func(l Boxed) bool { return l.Kind == b.Kind }) {
			list = append(list, b)
		}
	}
	return fit(list)
}

// write writes a batch, and drops the oldest pictures where all take too much. A file that turns out to be damaged is begun anew.
func (s *Store) write(batch []made) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.db == nil {
		return fmt.Errorf("%w and could not be replaced: start spotter again", errDamaged)
	}
	fresh, gone, err := s.commit(batch)
	if err != nil {
		s.dropped.Add(uint64(len(batch)))
		if errors.Is(err, errDamaged) {
			return s.renew(err)
		}
		return fmt.Errorf("write: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range fresh {
		s.index.put(f.media, f.entry)
	}
	s.index.remove(gone)
	return nil
}

// commit writes a batch in one transaction, and returns what became of the index.
func (s *Store) commit(batch []made) (fresh, gone []named, err error) {
	err = guard(func() error {
		if len(batch) == 0 && s.index.bytes <= s.options.Bytes {
			return nil
		}
		return s.db.Update(func(tx *bolt.Tx) error {
			fresh, gone = nil, nil
			over := s.index.bytes - s.options.Bytes
			for i := range batch {
				e, err := batch[i].put(tx)
				if err != nil {
					return err
				}
				if e != nil {
					fresh = append(fresh, *e)
					over += e.bytes
				}
			}
			if over <= 0 {
				return nil
			}
			gone = s.index.oldest(over+s.options.Bytes/16, time.Now()) // with some room for the next ones
			return drop(tx, gone)
		})
	})
	return fresh, gone, err
}

// put writes a picture, or what is new of one; the entry is nil where nothing was written.
func (m *made) put(tx *bolt.Tx) (*named, error) {
	if m.media == "" || m.jpeg == nil && len(m.about.boxes) == 0 {
		return nil, nil
	}
	s, ok := shelfOf(tx, m.media)
	var before []byte
	if ok {
		before = s.about.Get(key(m.at))
	}
	now, jpeg := m.about, m.jpeg
	switch {
	case before != nil:
		old, err := decodeAbout(before, true)
		if err != nil {
			return nil, err
		}
		if len(now.boxes) == 0 {
			return nil, nil
		}
		if jpeg == nil {
			now.boxes = told(old.boxes, now.boxes)
		}
		old.boxes = now.boxes
		now, jpeg = old, nil // at its address a picture never changes
	case jpeg == nil:
		return nil, nil
	case !ok:
		var err error
		if s, err = makeShelf(tx, m.media); err != nil {
			return nil, err
		}
	}
	text, err := now.encode()
	if err != nil {
		return nil, err
	}
	if err := s.about.Put(key(m.at), text); err != nil {
		return nil, err
	}
	if jpeg != nil {
		if err := s.pictures.Put(key(m.at), jpeg); err != nil {
			return nil, err
		}
	}
	return &named{m.media, now.entry(m.at, len(text))}, nil
}

// Prune drops the pictures for which keep is false; added is when a picture came. It may be called while others come.
func (s *Store) Prune(keep func(media string, at timeline.Position, added time.Time) bool) error {
	if s == nil {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	var gone []named
	s.mu.RLock()
	for media, list := range s.index.media {
		for _, e := range list {
			if !keep(media, e.at, time.UnixMicro(e.added)) {
				gone = append(gone, named{media, e})
			}
		}
	}
	s.mu.RUnlock()
	if len(gone) == 0 || s.db == nil {
		return nil
	}
	err := guard(func() error { return s.db.Update(func(tx *bolt.Tx) error { return drop(tx, gone) }) })
	switch {
	case errors.Is(err, errDamaged):
		return s.renew(err)
	case err != nil:
		return fmt.Errorf("prune thumbnails: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.remove(gone)
	return nil
}

// replace begins the file anew.
func (s *Store) replace(cause error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.renew(fmt.Errorf("%w: %w", errDamaged, cause))
}
