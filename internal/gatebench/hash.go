package gatebench

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"math"
	"math/bits"
	"slices"

	"golang.org/x/image/draw"
)

const (
	hashSide = 32 // pixels a side of the picture that is transformed
	hashKeep = 8  // lowest frequencies a side that are kept
)

// PerceptualHash returns a picture's 64-bit hash: the signs of the lowest frequencies of its cosine transform about
// their median (Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010). Pictures alike to
// the eye differ in few bits.
func PerceptualHash(m *image.RGBA) uint64 {
	small := image.NewGray(image.Rect(0, 0, hashSide, hashSide))
	draw.BiLinear.Scale(small, small.Rect, m, m.Rect, draw.Src, nil)
	low := transform(small)
	sorted := slices.Sorted(slices.Values(low[1:])) // the mean brightness says nothing of the shape
	median := (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
	var hash uint64
	for i, v := range low {
		if v > median {
			hash |= 1 << i
		}
	}
	return hash
}

// transform returns the lowest frequencies of the two-dimensional cosine transform (DCT-II), row by row.
func transform(m *image.Gray) []float64 {
	var wave [hashKeep][hashSide]float64
	for u := range wave {
		for x := range wave[u] {
			wave[u][x] = math.Cos(math.Pi * float64(u) * (float64(x) + 0.5) / hashSide)
		}
	}
	var rows [hashSide][hashKeep]float64
	for y := range rows {
		for u := range wave {
			for x, w := range wave[u] {
				rows[y][u] += w * float64(m.Pix[y*m.Stride+x])
			}
		}
	}
	low := make([]float64, 0, hashKeep*hashKeep)
	for v := range wave {
		for u := range wave {
			sum := 0.0
			for y, w := range wave[v] {
				sum += w * rows[y][u]
			}
			low = append(low, sum)
		}
	}
	return low
}

// Sharpness is the variance of the Laplacian of a picture's brightness.
func Sharpness(m *image.RGBA) float64 {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	grey := make([]float64, w*h)
	for i := range grey {
		p := m.Pix[i/w*m.Stride+i%w*4:][:3]
		grey[i] = 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])
	}
	var sum, squares, n float64
	for y := 1; y < h-1; y++ {
		for i := y*w + 1; i < y*w+w-1; i++ {
			v := grey[i-1] + grey[i+1] + grey[i-w] + grey[i+w] - 4*grey[i]
			sum, squares, n = sum+v, squares+v*v, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return squares/n - sum/n*(sum/n)
}

// Hash asks about a frame whose perceptual hash is more than so many bits away from that of the scene's first, and of
// the first frames of a new scene about the sharpest by Laplacian: the idea by which AWS's Media2Cloud chooses frames of
// files. It waits hashWindow frames for that, so on a live stream it answers as much later.
type Hash int

// hashWindow is of how many frames the sharpest is taken.
const hashWindow = 3

// Name implements Chooser.
func (h Hash) Name() string { return fmt.Sprintf("pHash over %d bits + Laplacian", int(h)) }

// Choose implements Chooser.
func (h Hash) Choose(_ context.Context, s *Stream) ([]Choice, int, error) {
	var scenes []span
	for i := 0; i < len(s.Frames); {
		until := i + 1
		for until < len(s.Frames) && until < i+mostScene && bits.OnesCount64(s.Frames[until].Hash^s.Frames[i].Hash) <= int(h) {
			until++
		}
		scenes = append(scenes, span{i, until, sharpest(s.Frames, i, min(until, i+hashWindow))})
		i = until
	}
	return stand(len(s.Frames), scenes), 2 * len(scenes), nil
}

// sharpest returns the number of the sharpest frame in [from, until).
func sharpest(frames []Frame, from, until int) int {
	numbers := make([]int, 0, hashWindow)
	for i := from; i < until; i++ {
		numbers = append(numbers, i)
	}
	return slices.MaxFunc(numbers, func(a, b int) int {
		return cmp.Compare(frames[a].Sharpness, frames[b].Sharpness)
	})
}

// HashCurve is Hash at thresholds of 2 to 30 bits; 10 of 64 is what is commonly taken for "another picture".
func HashCurve() Curve {
	return NewCurve("pHash + Laplacian", "bits", 10, []int{2, 4, 6, 8, 10, 14, 18, 22, 26, 30}, func(bits int) Approach {
		return Chosen{Hash(bits)}
	})
}
