package local

import (
	"cmp"
	"slices"
)

// candidate is one reading of a network's output: a class, its score from 0 to 1, and a box in the input's pixels.
type candidate struct {
	class, anchor            int
	score                    float32
	left, top, right, bottom float32
}

// maxCandidates bounds the work of suppress: no picture has as many things to show.
const maxCandidates = 1000

// suppress keeps, of candidates of one class that overlap by more than the given intersection over union, only the
// one with the highest score. It reorders list and returns the kept ones, highest score first.
func suppress(list []candidate, overlap float32) []candidate {
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.class, b.class), cmp.Compare(a.anchor, b.anchor))
	})
	kept := list[:0]
	for _, c := range list[:min(len(list), maxCandidates)] {
		hidden := slices.ContainsFunc(kept, func(k candidate) bool {
			return k.class == c.class && k.overlap(c) > overlap
		})
		if !hidden {
			kept = append(kept, c)
		}
	}
	return kept
}

// overlap returns the intersection over union of two boxes, 0 to 1.
func (c candidate) overlap(d candidate) float32 {
	width := min(c.right, d.right) - max(c.left, d.left)
	height := min(c.bottom, d.bottom) - max(c.top, d.top)
	if width <= 0 || height <= 0 {
		return 0
	}
	both := width * height
	return both / (c.area() + d.area() - both)
}

func (c candidate) area() float32 { return (c.right - c.left) * (c.bottom - c.top) }

// solid reports whether the box has an area: not so one whose numbers are none.
func (c candidate) solid() bool { return c.right > c.left && c.bottom > c.top }
