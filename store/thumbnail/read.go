package thumbnail

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"spotter/timeline"
)

// Within returns the pictures of a media in a closed window, by position: where there are more than most, that many, as evenly
// spread as can be, and thinned is true.
func (s *Store) Within(media string, w timeline.Span, most int) (list []Thumbnail, thinned bool, err error) {
	if s == nil {
		return nil, false, nil
	}
	err = s.view(func(tx *bolt.Tx) error {
		var at []timeline.Position
		at, thinned = s.index.within(media, w, most)
		shelf, ok := shelfOf(tx, media)
		if !ok {
			return nil
		}
		for _, p := range at {
			text := shelf.about.Get(key(p))
			if text == nil {
				continue // it went in this moment
			}
			a, err := decodeAbout(text, true)
			if err != nil {
				return err
			}
			list = append(list, Thumbnail{At: p, Width: a.width, Height: a.height, Boxes: a.boxes})
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("read thumbnails of %s: %w", media, err)
	}
	return list, thinned, nil
}

// JPEG returns the picture of a media at exactly a position, the same bytes each time, or nil where there is none any more.
func (s *Store) JPEG(media string, at timeline.Position) (picture []byte, err error) {
	if s == nil {
		return nil, nil
	}
	err = s.view(func(tx *bolt.Tx) error {
		shelf, ok := shelfOf(tx, media)
		if !ok {
			return nil
		}
		text := shelf.about.Get(key(at))
		if text == nil {
			return nil
		}
		a, err := decodeAbout(text, false)
		if err != nil {
			return err
		}
		picture = bytes.Clone(shelf.pictures.Get(key(at)))
		if !a.holds(picture) {
			picture = nil
			return fmt.Errorf("%w: the picture at %v is not the one that was kept", errDamaged, at)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read thumbnail of %s: %w", media, err)
	}
	return picture, nil
}

// view reads the file. Of one that is damaged there is nothing to see, and it is soon begun anew.
func (s *Store) view(read func(tx *bolt.Tx) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return nil
	}
	err := guard(func() error { return s.db.View(read) })
	if errors.Is(err, errDamaged) {
		select {
		case s.broken <- struct{}{}:
		default:
		}
		return nil
	}
	return err
}
