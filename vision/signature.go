package vision

import (
	"image"
	"math"
	"slices"
)

const (
	gridX, gridY = 32, 18 // cells of a signature
	cells        = gridX * gridY

	// changedCell is how far a cell's colour must move to count as changed, in steps of 0 to 255 summed over luma and
	// half of each chroma difference. Camera noise averages out over a cell's 20x20 pixels; a coat passing does not.
	changedCell = 18
	// flatSpread is the standard deviation of the cells' luma up to which a picture is all of one brightness.
	flatSpread = 3
	// A picture is blank where no cell differs from black, or from white, by more than blankLevel. Television's black and
	// white are 16 and 235 (ITU-R BT.601), which decode to 0 and 255; what is left is noise.
	blankLevel = 14
)

// signature is a picture averaged over a grid of cells, with the shares of its colours: what tells one scene from
// another in a few kilobytes.
type signature struct {
	cell   [cells][3]uint8 // luma and two colour differences (BT.601), 0 to 255
	colour [colours]float32
	mean   float64 // of the cells' luma
	spread float64 // their standard deviation
}

// Colours are counted in bins of luma, finer where it is dark as eyes and night scenes have it, and of each colour difference.
const (
	lumaBins, chromaBins = 12, 6
	colours              = lumaBins * chromaBins * chromaBins
)

// sign averages every second pixel of every second row.
func sign(m *image.RGBA) *signature {
	s := new(signature)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	var count [colours]uint32
	for y := range gridY {
		y0, y1 := y*h/gridY, max((y+1)*h/gridY, y*h/gridY+1)
		for x := range gridX {
			x0, x1 := x*w/gridX, max((x+1)*w/gridX, x*w/gridX+1)
			s.average(y*gridX+x, m, image.Rect(x0, min(y0, h-1), x1, min(y1, h)), &count)
		}
	}
	var all uint32
	for _, n := range count {
		all += n
	}
	for i, n := range count {
		s.colour[i] = float32(n) / float32(max(all, 1))
	}
	s.measure()
	return s
}

// average averages one cell, and counts the colours of every other pixel of it.
func (s *signature) average(i int, m *image.RGBA, at image.Rectangle, count *[colours]uint32) {
	var sum [3]int
	n := 0
	right := min(at.Max.X, m.Rect.Dx())
	for y := at.Min.Y; y < at.Max.Y; y += 2 {
		row := m.Pix[y*m.Stride : y*m.Stride+4*right]
		for x := at.Min.X; x < right; x += 2 {
			p := row[4*x : 4*x+3 : 4*x+3]
			r, g, b := int(p[0]), int(p[1]), int(p[2])
			luma, blue, red := (77*r+150*g+29*b)>>8, (-43*r-85*g+128*b)>>8+128, (128*r-107*g-21*b)>>8+128
			sum[0], sum[1], sum[2], n = sum[0]+luma, sum[1]+blue, sum[2]+red, n+1
			if (x^y)&2 == 0 {
				u, v := min(max((blue-128+36)/12, 0), chromaBins-1), min(max((red-128+36)/12, 0), chromaBins-1)
				// Between two bins of luma both count, so that a slight change of light moves little.
				at := lumaBin[uint8(luma)]
				bin := ((at>>8)*chromaBins+u)*chromaBins + v
				count[bin] += uint32(256 - at&255)
				if at&255 > 0 {
					count[bin+chromaBins*chromaBins] += uint32(at & 255)
				}
			}
		}
	}
	for k := range sum {
		s.cell[i][k] = uint8(sum[k] / max(n, 1))
	}
}

// lumaBin holds for each luma its place among the bins, in 256ths: the square root spreads the dark.
var lumaBin = func() (t [256]int) {
	for i := range t {
		t[i] = int(math.Sqrt(float64(i)/255) * (lumaBins - 1) * 256)
	}
	return t
}()

func (s *signature) measure() {
	var sum, squares float64
	for i := range s.cell {
		y := float64(s.cell[i][0])
		sum, squares = sum+y, squares+y*y
	}
	s.mean = sum / cells
	s.spread = math.Sqrt(max(squares/cells-s.mean*s.mean, 0))
}

// blank reports that there is nothing to be seen: black, white or colour bars.
func (s *signature) blank() bool { return s.flat(0) || s.flat(255) || s.bars() }

// flat reports that all cells are about as light as luma says, and grey.
func (s *signature) flat(luma uint8) bool {
	all := [3]uint8{luma, 128, 128}
	return !slices.ContainsFunc(s.cell[:], func(c [3]uint8) bool { return difference(c, all) > blankLevel })
}

// bars reports colour bars (SMPTE RP 219, ITU-R BT.471): upright stripes of one colour each over most of the height, at
// least five, and coloured. No camera sees such.
func (s *signature) bars() bool {
	const rows, stripes = gridY / 2, 5
	edges, coloured := 0, 0
	for x := range gridX {
		top := s.cell[gridX+x] // the first row may be cut by blanking
		for y := 2; y < rows; y++ {
			if difference(top, s.cell[y*gridX+x]) > 4 {
				return false
			}
		}
		if abs(int(top[1])-128)+abs(int(top[2])-128) > 40 {
			coloured++
		}
		if x > 0 && difference(top, s.cell[gridX+x-1]) > changedCell {
			edges++
		}
	}
	return edges >= stripes && coloured >= gridX/2
}

func difference(a, b [3]uint8) int {
	return abs(int(a[0])-int(b[0])) + (abs(int(a[1])-int(b[1]))+abs(int(a[2])-int(b[2])))/2
}

// change returns the share of cells, 0 to 1, that differ between two pictures. What differs only in brightness or
// contrast, as in a fade or when a cloud passes, does not.
func (s *signature) change(t *signature) float64 {
	gain, offset := 1.0, 0.0
	if s.spread > t.spread {
		s, t = t, s // the brighter is dimmed, not noise made brighter
	}
	switch c := s.correlation(t); {
	case c >= 0.9:
		gain = min(c*s.spread/t.spread, 1)
		offset = s.mean - gain*t.mean
	case t.spread < flatSpread:
		offset = s.mean - t.mean
	}
	n := 0
	for i := range s.cell {
		a, b := &s.cell[i], &t.cell[i]
		d := math.Abs(float64(a[0])-gain*float64(b[0])-offset) +
			(math.Abs(float64(a[1])-128-gain*(float64(b[1])-128))+math.Abs(float64(a[2])-128-gain*(float64(b[2])-128)))/2
		if d > changedCell*max(gain, 0.35) {
			n++
		}
	}
	return float64(n) / cells
}

// correlation returns Pearson's of the cells' luma, -1 to 1.
func (s *signature) correlation(t *signature) float64 {
	if s.spread < 1 || t.spread < 1 {
		return 0
	}
	var sum float64
	for i := range s.cell {
		sum += (float64(s.cell[i][0]) - s.mean) * (float64(t.cell[i][0]) - t.mean)
	}
	return sum / cells / (s.spread * t.spread)
}

// recoloured returns how much of the picture's area has another colour, wherever it is: 0 to 1. A cut changes
// that, a pan or people moving about hardly do.
func (s *signature) recoloured(t *signature) float64 {
	var same float32
	for i := range s.colour {
		same += min(s.colour[i], t.colour[i])
	}
	return float64(max(1-same, 0))
}

// between reports that s is a mixture of a and b, and so a picture from the middle of a dissolve.
func (s *signature) between(a, b *signature) bool {
	var num, den, rest float64
	for i := range s.cell {
		for k := range 3 {
			d := float64(b.cell[i][k]) - float64(a.cell[i][k])
			num += (float64(s.cell[i][k]) - float64(a.cell[i][k])) * d
			den += d * d
		}
	}
	if den == 0 {
		return false
	}
	share := num / den
	if share < 0.1 || share > 0.9 {
		return false
	}
	for i := range s.cell {
		for k := range 3 {
			mixed := (1-share)*float64(a.cell[i][k]) + share*float64(b.cell[i][k])
			d := float64(s.cell[i][k]) - mixed
			rest += d * d
		}
	}
	// What the mixture leaves unexplained, against what lies between the picture and the nearer end.
	return rest < 0.15*den*min(share*share, (1-share)*(1-share))
}

// flash reports that s is t with a flash on it: most of it brighter, and by much.
func (s *signature) flash(t *signature) bool {
	brighter := 0
	for i := range s.cell {
		if int(s.cell[i][0]) > int(t.cell[i][0])+8 {
			brighter++
		}
	}
	return s.mean > t.mean+20 && float64(brighter) >= 0.7*cells
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}
