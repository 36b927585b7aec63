package local

import "image"

// Sharpness returns the variance of the Laplacian of a picture's brightness, 0 for a flat or empty one: the sharper of
// two pictures of one thing at one size has more. Brightness is that of ITU-R BT.601 in steps of 0 to 255, and the edge
// is mirrored, as OpenCV's cvtColor and Laplacian have it. A crop is looked at with SubImage.
func Sharpness(img *image.RGBA) float64 {
	if img == nil || img.Rect.Empty() {
		return 0
	}
	width, height := img.Rect.Dx(), img.Rect.Dy()
	rows := make([]int32, 3*width)
	above, here, below := rows[:width], rows[width:2*width], rows[2*width:]
	brightness(here, img, 0)
	brightness(below, img, min(1, height-1))
	copy(above, below) // the mirror of row 1
	var sum, squares float64
	for y := range height {
		s, q := laplacian(above, here, below)
		sum, squares = sum+float64(s), squares+float64(q)
		above, here, below = here, below, above
		switch {
		case y+2 < height:
			brightness(below, img, y+2)
		case height > 1:
			copy(below, above) // the mirror of the last row but one
		}
	}
	n := float64(width) * float64(height)
	mean := sum / n
	return max(squares/n-mean*mean, 0)
}

// laplacian returns the sums over a row of the differences from the four neighbours, and of their squares.
func laplacian(above, here, below []int32) (sum, squares int64) {
	last := len(here) - 1
	above, below = above[:last+1], below[:last+1]
	for x, c := range here {
		left, right := here[max(x, 1)-1], here[min(x+1, last)]
		if x == 0 {
			left = right
		} else if x == last {
			right = left
		}
		d := int64(left + right + above[x] + below[x] - 4*c)
		sum, squares = sum+d, squares+d*d
	}
	return sum, squares
}

// brightness writes that of a row of pixels.
func brightness(to []int32, img *image.RGBA, y int) {
	row := img.Pix[img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y+y):][:4*len(to)]
	for x := range to {
		p := row[4*x : 4*x+3 : 4*x+3]
		to[x] = (299*int32(p[0]) + 587*int32(p[1]) + 114*int32(p[2]) + 500) / 1000
	}
}
