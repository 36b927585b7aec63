package vision

import (
	"image"
	"slices"

	"spotter/timeline"
)

const (
	// mostScenes bounds the scenes that are remembered; the one longest off screen goes.
	mostScenes = 64
	// mostViews bounds the signatures of one scene, in which people and camera move.
	mostViews = 6
	// settleTime is how long after its begin a better picture of a scene is looked for.
	settleTime = timeline.Position(2500)
)

// scene is what a gate remembers of a scene: how it looked, and what was asked about it.
type scene struct {
	number    int
	looks     []*signature
	reference *signature // of the picture last asked about, or the first
	began     timeline.Position
	askedAt   timeline.Position
	wasAsked  bool
	sharpness float64
	tally     tally
	news      float64 // how clearly the last look saw what it did, if something had just come or gone
}

// begin remembers a new scene.
func (g *Gate) begin(s *signature) *scene {
	if len(g.scenes) == mostScenes {
		g.scenes = slices.Delete(g.scenes, 0, 1)
	}
	g.made++
	n := &scene{number: g.made, looks: []*signature{s}, reference: s}
	g.scenes = append(g.scenes, n)
	return n
}

// recall returns the scene other than not that looked like s, most lately on screen first, and nil where there is none.
func (g *Gate) recall(s *signature, not *scene) *scene {
	like := g.like()
	for i := len(g.scenes) - 1; i >= 0; i-- {
		if n := g.scenes[i]; n != not && n.matches(s, like) {
			g.scenes = append(slices.Delete(g.scenes, i, i+1), n)
			return n
		}
	}
	return nil
}

// forget drops a scene that was none.
func (g *Gate) forget(n *scene) {
	g.scenes = slices.DeleteFunc(g.scenes, func(o *scene) bool { return o == n })
}

// matches reports whether s looks like the scene did, up to a share of changed cells.
func (n *scene) matches(s *signature, like float64) bool {
	return slices.ContainsFunc(n.looks, func(l *signature) bool {
		return s.change(l) < like && s.recoloured(l) < sameColours
	})
}

// extend remembers another look of the scene where it is unlike the others.
func (n *scene) extend(s *signature, like float64) {
	if n.matches(s, like) {
		return
	}
	if len(n.looks) == mostViews { // the first stays
		n.looks = slices.Delete(n.looks, 1, 2)
	}
	n.looks = append(n.looks, s)
}

// fresh reports whether the scene was asked about less than most ago.
func (n *scene) fresh(at, most timeline.Position) bool {
	return n.wasAsked && at >= n.askedAt && at-n.askedAt < most
}

func (n *scene) asked(at timeline.Position, s *signature) {
	n.askedAt, n.wasAsked, n.reference = at, true, s
	n.sharpness = 0
}

// settling reports whether a better picture of the scene is still looked for.
func (n *scene) settling(at timeline.Position) bool {
	return at > n.began && at-n.began <= settleTime && n.askedAt == n.began
}

// sharper reports whether the picture is clearly sharper than those since the scene began.
func (n *scene) sharper(m *image.RGBA) bool {
	now := sharpness(m)
	first := n.sharpness == 0
	if !first && now < sharper*n.sharpness {
		return false
	}
	n.sharpness = now
	return !first
}

// sharpness is the variance of the Laplacian of green, of every second pixel.
func sharpness(m *image.RGBA) float64 {
	var sum, squares float64
	n := 0
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for y := 1; y < h-1; y += 2 {
		above, here, below := m.Pix[(y-1)*m.Stride:], m.Pix[y*m.Stride:], m.Pix[(y+1)*m.Stride:]
		for x := 1; x < w-1; x += 2 {
			i := 4*x + 1
			d := float64(int(above[i]) + int(below[i]) + int(here[i-4]) + int(here[i+4]) - 4*int(here[i]))
			sum, squares, n = sum+d, squares+d*d, n+1
		}
	}
	if n == 0 {
		return 0
	}
	mean := sum / float64(n)
	return max(squares/float64(n)-mean*mean, 0)
}
