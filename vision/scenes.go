package vision

import (
	"spotter/timeline"
)

// Event is something that a stream's observer has to do, in the order of positions.
type Event struct {
	// From is where what it is about begins. It is never before that of the event before.
	From timeline.Position
	// Scene is the scene on screen from there on; 0 where nothing is to be seen.
	Scene int
	// Ask is what is to be asked about Picture, and Sight what local models saw in it; 0 where the scene's last answer
	// is to be repeated.
	Ask     Want
	Picture Picture
	Sight   *Sight
	// People are on screen, as the verdict says.
	People []timeline.Entity
	// Cut says that From is where a scene begins, not where something changes within it.
	Cut bool
	// Due says that the scene goes on and is asked about again for nothing that is new in it.
	Due bool
}

// Scenes turns a gate's verdicts on one stream's pictures into events. A scene that begins waits, within its segment, for
// its sharpest picture and for whether it was one at all. It is for one goroutine.
type Scenes struct {
	held  *Event // the scene that waits
	left  int    // looks that it still waits
	scene int    // on screen by the last event, 0 for nothing; unknown until started
	on    bool   // started
}

// patience is for how many further looks a scene waits, at most until the end of its segment.
const patience = 2

// Take takes in a verdict and, where the gate admitted it, the picture.
func (s *Scenes) Take(v Verdict, p *Picture) (events []Event) {
	if v.Passing {
		s.held = nil
	}
	e := Event{From: v.At, Scene: v.Scene, Ask: v.Ask, Sight: v.Sight, People: v.People, Cut: v.Begins, Due: v.Due && !v.Begins}
	if p != nil {
		e.Picture = *p
	}
	left := s.held != nil && v.Changed && len(Union(v.People, s.held.People)) > len(v.People) // which takes an event of its own
	if s.held != nil && !v.Begins && !v.Blank && !v.Due && !left {
		return s.wait(e)
	}
	events = s.Flush()
	switch {
	case v.Begins && v.Ask != 0:
		s.held, s.left = &e, patience
	case v.Ask != 0 && !v.Due:
		s.held, s.left = &e, 1 // what has come is not wholly there yet
	case v.Begins && s.on && v.Scene == s.scene: // back after a flash
	case v.Begins, v.Ask != 0, v.Changed:
		events = append(events, s.emit(e))
	}
	return events
}

// wait takes in a further picture of the scene that waits.
func (s *Scenes) wait(e Event) []Event {
	if e.Picture.JPEG != nil { // it is sharper, or shows what was not there before
		s.held.Picture, s.held.Sight = e.Picture, e.Sight
		s.held.Ask |= e.Ask
	}
	s.held.People = Union(s.held.People, e.People)
	if s.left--; s.left > 0 {
		return nil
	}
	return s.Flush()
}

func (s *Scenes) emit(e Event) Event {
	s.scene, s.on = e.Scene, true
	return e
}

// Flush ends the waiting: a segment ends, or the stream.
func (s *Scenes) Flush() []Event {
	if s.held == nil {
		return nil
	}
	e := s.emit(*s.held)
	s.held = nil
	return []Event{e}
}

// Drop forgets what waits and what is on screen: what follows does not continue it.
func (s *Scenes) Drop() { s.held, s.on = nil, false }
