package thumbnail_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"spotter/store/thumbnail"
	"spotter/timeline"
)

// TestClockSetBack fills the file while the clock is ten years ahead. The pictures that come when it is right stay, and those go.
func TestClockSetBack(t *testing.T) {
	const limit, n = 1 << 20, 300
	path := filepath.Join(t.TempDir(), "t.db")
	shown := picture(32, 18, 1)
	add := func(t *testing.T, s *thumbnail.Store, from timeline.Position) {
		for i := range timeline.Position(n) {
			s.Add(media, from+i*1000, shown, nil)
			synctest.Wait()
			time.Sleep(50 * time.Millisecond)
		}
		settle()
	}
	synctest.Test(t, func(t *testing.T) { // every bubble begins in the year 2000
		time.Sleep(10 * 365 * 24 * time.Hour)
		s := open(t, path, thumbnail.Options{Bytes: limit})
		add(t, s, 0)
	})
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path, thumbnail.Options{Bytes: limit})
		add(t, s, n*1000)
		kept, _ := within(t, s, timeline.Span{From: n * 1000, Until: timeline.MaxPosition}, n)
		if all, _ := s.Usage(); len(kept) < all || all < 100 {
			t.Errorf("of %d pictures only %d came since the clock is right", all, len(kept))
		}
		if last := jpegOf(t, s, (2*n-1)*1000); last == nil {
			t.Error("the newest picture is gone")
		}
	})
}
