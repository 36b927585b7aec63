//go:build !nocv

package opencv

const (
	combStep  = 8  // the least step between the fields, of 255, that is taken for a comb
	combRows  = 16 // lines, and
	combBytes = 48 // bytes of each, sixteen pixels, that are mended together
	combLeast = 3  // combed pixels among them
)

// comb removes the combs that motion leaves in a BGR picture woven of two fields: it is looked at in small tiles, and
// where one has combs, the second field's lines are made anew from the first's. What stands still stays as sharp as it is.
func comb(bgr []byte, width, height int) {
	stride := 3 * width
	if len(bgr) < stride*height {
		return
	}
	for top := 0; top+2 < height; top += combRows {
		bottom := min(height, top+combRows+1) // of the last line, the one below is needed
		for left := 0; left < stride; left += combBytes {
			right := min(stride, left+combBytes)
			found := 0
			for y := top + 1; y+1 < bottom && found < combLeast; y += 2 {
				row := bgr[(y-1)*stride:]
				above, line, below := row[left:right], row[stride+left:stride+right], row[2*stride+left:2*stride+right]
				next := below // the same field again, where there is some left
				if y+2 < height {
					next = row[3*stride+left : 3*stride+right]
				}
				last := next
				if y > top+1 {
					last = bgr[(y-2)*stride+left : (y-2)*stride+right]
				}
				found += combed(line, above, below, last, next)
			}
			for y := top + 1; y+1 < bottom && found >= combLeast; y += 2 {
				row := bgr[(y-1)*stride:]
				between(row[stride+left:stride+right], row[left:right], row[2*stride+left:2*stride+right])
			}
		}
	}
}

// combed counts the pixels of a line that stand off from both neighbours, which are of the other field, to the same side,
// and more than from last and next, which are of its own. It looks at green, which has most of the detail.
func combed(line, above, below, last, next []byte) (n int) {
	size := len(line)
	above, below, last, next = above[:size], below[:size], last[:size], next[:size]
	for i := 1; i < size; i += 3 {
		v := int(line[i])
		up, down := v-int(above[i]), v-int(below[i])
		if up < 0 {
			up, down = -up, -down
		}
		if step := min(up, down); step > combStep && apart(v, int(last[i])) < step && apart(v, int(next[i])) < step {
			n++
		}
	}
	return n
}

func apart(a, b int) int { return max(a-b, b-a) }

// between makes a line of its neighbours.
func between(line, above, below []byte) {
	above, below = above[:len(line)], below[:len(line)]
	for i := range line {
		line[i] = byte((int(above[i]) + int(below[i])) / 2)
	}
}
