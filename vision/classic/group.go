//go:build !nocv

package classic

import "image"

// similarity is how far the sides of two hits on one thing may lie apart, as a part of their size: the eps that
// OpenCV's detectMultiScale gives to groupRectangles.
const similarity = 0.2

// agreement returns the most hits that lie on one and the same thing. A cascade looks at every picture in many places
// and sizes; a thing that is there is hit again in the neighbouring ones, an accident of texture seldom is. Hits are one
// thing when each is similar to another of them, as in OpenCV's groupRectangles.
func agreement(hits []image.Rectangle) int {
	group := make([]int, len(hits)) // a forest: each hit points towards the first hit of its group
	size := make([]int, len(hits))
	most := 0
	for i := range hits {
		group[i], size[i] = i, 1
		for j := range i {
			if a, b := root(group, i), root(group, j); a != b && similar(hits[i], hits[j]) {
				group[a] = b
				size[b] += size[a]
			}
		}
		most = max(most, size[root(group, i)])
	}
	return most
}

func root(group []int, i int) int {
	for group[i] != i {
		group[i] = group[group[i]]
		i = group[i]
	}
	return i
}

func similar(a, b image.Rectangle) bool {
	delta := similarity / 2 * float64(min(a.Dx(), b.Dx())+min(a.Dy(), b.Dy()))
	return near(a.Min.X, b.Min.X, delta) && near(a.Min.Y, b.Min.Y, delta) &&
		near(a.Max.X, b.Max.X, delta) && near(a.Max.Y, b.Max.Y, delta)
}

func near(a, b int, delta float64) bool {
	d := float64(a - b)
	return d <= delta && -d <= delta
}
