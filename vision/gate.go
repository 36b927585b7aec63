package vision

import (
	"context"
	"image"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"spotter/timeline"
)

const (
	// changedScene is the share of changed cells from which two pictures may show different scenes. A person walking
	// through a wide shot moves a tenth of the cells; a cut between two shots of the same dark stage, four tenths.
	changedScene = 0.30
	// recolouredScene is the share of the area that must have another colour with it. Within a shot of a moving
	// camera it stays below 0.10 a second, and low-contrast cuts on one stage have 0.14.
	recolouredScene = 0.12
	// driftedScene is that share between a picture and the one asked about from which a scene without any cut has
	// become another one: dusk, a long pan.
	driftedScene = 0.25
	// enteredScene is the share of changed cells from which, where no local models can say what it is, something has come
	// into the scene or left it; once it has come to rest or, if it does not, after calm.
	enteredScene, restingScene = 0.08, 0.04
	calm                       = timeline.Position(6000)
	// alikeScene is the share up to which it is no new scene, where local models see the same things and the same people
	// in it: the camera has moved fast.
	alikeScene = 0.35
	// turnTime is how long after a question no picture is a new scene in which local models see nothing new: a camera may turn faster
	// than pictures are sampled.
	turnTime = timeline.Position(4000)
	// sameScene and sameColours bound what is taken for a scene seen before; without local models, which see who has come
	// into it, strictScene does.
	sameScene, strictScene, sameColours = 0.18, 0.05, 0.08
	// sharper is by how much more the Laplacian of a better picture of a new scene must vary.
	sharper = 1.25
	// cutAfter is the longest time between two looks at which what has changed may still have moved.
	cutAfter = timeline.Position(4000)
)

// GateOptions are what a gate is made of. Only MaxScene is needed.
type GateOptions struct {
	// MaxScene is after how long a still scene is asked about again.
	MaxScene time.Duration
	// Looker, where there is one, looks at every sampled picture with local models: the gate's second layer.
	Looker Looker
	// Identities, with a Looker, are the event's faces.
	Identities *Identities
	// Sensitivity scales how little counts as new; 0 means 1. Higher asks more.
	Sensitivity float64
}

// Gate decides which pictures of one stream are worth asking about, in two layers. The first compares small pictures:
// a cut, what follows a dissolve or a fade, and slow change begin a scene; flashes, black, colour bars, noise, people
// and cameras that move do not, and a scene that was on screen lately is known again. The second is what local
// models see: a face that the event does not know, an object that comes or goes. All but Again and Reset are for one
// goroutine.
type Gate struct {
	o        GateOptions
	maxScene timeline.Position

	now     *scene // on screen; nil before the first and after a reset
	scenes  []*scene
	made    int
	empty   bool       // nothing is on screen
	last    *signature // of the picture before, if it was not blank
	lastAt  timeline.Position
	before  *signature // what was on screen before a scene that began with the last picture
	verdict Verdict

	reset atomic.Bool

	mu    sync.Mutex
	again []int // scenes whose last answer never came
}

// Verdict is what a gate says of a picture.
type Verdict struct {
	At timeline.Position
	// Scene numbers the scene on screen; a scene that comes back has its number again.
	Scene int
	// Blank says that there is nothing to be seen in the picture. All but At and Begins are zero then.
	Blank bool
	// Begins says that what was on screen before has ended.
	Begins bool
	// Cut says that it began at once, not by what has slowly changed or come into it.
	Cut bool
	// Passing says that the picture before this one was no scene of its own, but the middle of a transition or a flash.
	Passing bool
	// Ask is what is worth asking about the picture; 0 for nothing.
	Ask Want
	// Due says that the scene is asked about because that was long ago, or because the last answer never came.
	Due bool
	// Better says that the picture shows better what the one before was asked about: a scene that has just begun, more
	// sharply, or what has just come into it.
	Better bool
	// People are on screen, as far as the gallery or the cloud has named the faces that local models see: within a scene
	// nobody leaves who turns his head. Changed says that they are others than at the look before.
	People  []timeline.Entity
	Changed bool
	// Sight is what the local models see; nil without them.
	Sight *Sight
	// Err is why there is no sight though there are local models.
	Err error
}

// NewGate returns the gate of one stream.
func NewGate(o GateOptions) *Gate {
	if o.Sensitivity <= 0 {
		o.Sensitivity = 1
	}
	return &Gate{o: o, maxScene: timeline.FromDuration(o.MaxScene)}
}

// Again makes the next picture of a scene worth asking about: the answer to the last one never came. It may be called from
// any goroutine.
func (g *Gate) Again(scene int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.again) < mostScenes {
		g.again = append(g.again, scene)
	}
}

// unask forgets that the scenes were asked about whose answer never came.
func (g *Gate) unask() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range g.scenes {
		if slices.Contains(g.again, n.number) {
			n.wasAsked = false
		}
	}
	g.again = g.again[:0]
}

// Reset makes the next picture begin a scene: what is on screen does not continue what was. It may be called from any
// goroutine.
func (g *Gate) Reset() { g.reset.Store(true) }

// Verdict returns what was said of the last picture.
func (g *Gate) Verdict() Verdict { return g.verdict }

// Admit looks at the picture at position at and reports whether its full size may be wanted.
func (g *Gate) Admit(ctx context.Context, at timeline.Position, small *image.RGBA) bool {
	g.verdict = Verdict{At: at}
	v := &g.verdict
	g.unask()
	if g.reset.Swap(false) {
		g.leave(false)
	}
	s := sign(small)
	if s.blank() {
		v.Blank, v.Begins = true, !g.empty
		g.leave(true)
		return false
	}
	g.empty = false
	g.see(ctx, small)
	g.place(at, s)
	news := g.now.news
	g.judge()
	if v.Ask != 0 {
		g.now.asked(at, s)
	}
	if v.Begins || g.now.settling(at) {
		v.Better = g.now.sharper(small)
	}
	v.Better = v.Better || news > 0 && v.Ask == 0 && g.agrees() && weight(v.Sight.Objects) >= asClear*news
	v.Scene = g.now.number
	g.last, g.lastAt = s, at
	return v.Ask != 0 || v.Better
}

// leave ends the scene on screen, for nothing or for what is not known yet.
func (g *Gate) leave(empty bool) { g.now, g.last, g.before, g.empty = nil, nil, nil, empty }

// place finds which scene the picture shows.
func (g *Gate) place(at timeline.Position, s *signature) {
	v := &g.verdict
	goesOn := g.continues(at, s)
	if goesOn && !g.drifted(s) && !g.entered(at, s) {
		g.before = nil
		g.now.extend(s, g.like())
		if !g.now.fresh(at, g.maxScene) {
			v.Ask, v.Due = WantAll, true
		}
		return
	}
	v.Begins, v.Cut = true, !goesOn
	known := g.recall(s, g.now)
	if g.before != nil && (g.last.between(g.before, s) || s.change(g.before) < changedScene && g.last.flash(g.before)) {
		v.Passing = true
		g.forget(g.now)
	}
	g.before = g.last
	if known == nil {
		known = g.begin(s)
	}
	g.now = known
	known.began = at
	if !known.fresh(at, g.maxScene) {
		v.Ask = WantAll
	}
}

// continues reports whether the picture shows the scene on screen: like the picture before it, or what moved of it.
func (g *Gate) continues(at timeline.Position, s *signature) bool {
	if g.now == nil || g.last == nil || at < g.lastAt {
		return false
	}
	if s.change(g.last) < changedScene/g.o.Sensitivity {
		return true
	}
	recoloured := s.recoloured(g.last) * g.o.Sensitivity
	if at-g.lastAt <= cutAfter && recoloured < recolouredScene {
		return true
	}
	turning := g.now.fresh(at, timeline.Position(float64(turnTime)/g.o.Sensitivity))
	if at-g.lastAt <= cutAfter && (recoloured < alikeScene && g.agrees() || turning && g.contained()) {
		return true
	}
	return g.now.matches(s, g.like())
}

// drifted reports whether the scene has become another one since it was asked about, with no cut in between.
func (g *Gate) drifted(s *signature) bool {
	ref := g.now.reference
	return s.change(ref) >= changedScene/g.o.Sensitivity && s.recoloured(ref) >= driftedScene/g.o.Sensitivity
}

// entered reports whether something has come into the scene or left it since it was asked about, as far as pictures
// alone can tell.
func (g *Gate) entered(at timeline.Position, s *signature) bool {
	if g.o.Looker != nil || s.change(g.now.reference) < enteredScene/g.o.Sensitivity {
		return false
	}
	return s.change(g.last) < restingScene || at-g.now.askedAt >= calm
}

// like returns the share of changed cells up to which two pictures are one scene.
func (g *Gate) like() float64 {
	if g.o.Looker == nil {
		return strictScene
	}
	return sameScene
}
