package vision_test

import (
	"testing"

	"spotter/timeline"
	"spotter/vision"
)

// TestSomebodyLeavesWhileASceneWaits has X leave while the scene that has just begun waits for its best picture: it
// must be told, or X is named until something else happens.
func TestSomebodyLeavesWhileASceneWaits(t *testing.T) {
	x := []timeline.Entity{{Name: "X", Confidence: 90}}
	picture := &vision.Picture{JPEG: []byte{1}}
	var s vision.Scenes
	events := s.Take(vision.Verdict{At: 0, Scene: 1, Begins: true, Ask: vision.WantAll, People: x}, picture)
	events = append(events, s.Take(vision.Verdict{At: 1000, Scene: 1, People: x}, nil)...)
	events = append(events, s.Take(vision.Verdict{At: 2000, Scene: 1, Changed: true}, nil)...)
	events = append(events, s.Flush()...)
	if len(events) != 2 || events[0].From != 0 || len(events[0].People) != 1 || events[1].From != 2000 || len(events[1].People) != 0 {
		t.Errorf("got %+v, want that X is there at 0 and not at 2 s", events)
	}
}
