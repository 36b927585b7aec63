package vision

import (
	"image"
	"sync/atomic"
	"time"

	"spotter/timeline"
)

const (
	gridX, gridY = 32, 18 // cells of the signature

	// changedCell is how far a cell's colour must move to count as changed, in steps of 0 to 255 summed over luma and
	// half of each chroma difference. Camera noise averages out over a cell's 20x20 pixels; a coat passing does not.
	changedCell = 18
	// newScene is the share of changed cells from which a picture shows a new scene. A person walking through a wide
	// shot moves a tenth of the cells, a cut between two shots of the same dark stage four tenths.
	newScene = 0.30
)

// Gate decides which pictures of one stream are worth asking about: the first, one that differs from the last
// admitted by a cut or by slow change, and one of a still scene after MaxScene. Admit is for one goroutine; Reset for
// any.
type Gate struct {
	maxScene timeline.Position
	last     signature
	at       timeline.Position
	admitted bool
	reset    atomic.Bool
}

// NewGate returns a gate that admits a still scene again after maxScene.
func NewGate(maxScene time.Duration) *Gate {
	return &Gate{maxScene: timeline.FromDuration(maxScene)}
}

// Admit reports whether the picture at position at shows something new.
func (g *Gate) Admit(at timeline.Position, small *image.RGBA) bool {
	now := sign(small)
	forget := g.reset.Swap(false)
	age := at - g.at
	if g.admitted && !forget && age >= 0 && age < g.maxScene && now.change(&g.last) < newScene {
		return false
	}
	g.last, g.at, g.admitted = now, at, true
	return true
}

// Reset makes the gate admit the next picture: the answer to the last one never came.
func (g *Gate) Reset() { g.reset.Store(true) }

// signature is a picture averaged over a grid of cells: luma and two colour differences (BT.601), 0 to 255.
type signature [gridX * gridY][3]uint8

func sign(m *image.RGBA) (s signature) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for y := range gridY {
		y0, y1 := y*h/gridY, max((y+1)*h/gridY, y*h/gridY+1)
		for x := range gridX {
			x0, x1 := x*w/gridX, max((x+1)*w/gridX, x*w/gridX+1)
			s[y*gridX+x] = cell(m, x0, min(y0, h-1), x1, min(y1, h))
		}
	}
	return s
}

// cell averages every second pixel of every second row.
func cell(m *image.RGBA, x0, y0, x1, y1 int) [3]uint8 {
	var r, g, b, n int
	for y := y0; y < y1; y += 2 {
		row := m.Pix[y*m.Stride:]
		for x := x0; x < min(x1, m.Rect.Dx()); x += 2 {
			p := row[4*x : 4*x+3 : 4*x+3]
			r, g, b, n = r+int(p[0]), g+int(p[1]), b+int(p[2]), n+1
		}
	}
	if n == 0 {
		return [3]uint8{}
	}
	r, g, b = r/n, g/n, b/n
	return [3]uint8{
		uint8((77*r + 150*g + 29*b) >> 8),
		uint8((-43*r-85*g+128*b)>>8 + 128),
		uint8((128*r-107*g-21*b)>>8 + 128),
	}
}

// change returns the share of cells, 0 to 1, that differ between two pictures.
func (s *signature) change(t *signature) float64 {
	n := 0
	for i := range s {
		d := abs(int(s[i][0])-int(t[i][0])) + (abs(int(s[i][1])-int(t[i][1]))+abs(int(s[i][2])-int(t[i][2])))/2
		if d > changedCell {
			n++
		}
	}
	return float64(n) / float64(len(s))
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}
