package policy

// form is the quadratic form of a vector: what a symmetric matrix is to be multiplied by on both sides. All arms of a case have
// it in common, so that the products of two numbers of the vector, and their places in a matrix, are found once.
type form struct {
	place   []int32 // in a packed triangle
	product []float32
}

// set makes f that of x. Places rise, so that a matrix is read from its beginning to its end.
func (f *form) set(x *vector) {
	f.place, f.product = f.place[:0], f.product[:0]
	n := len(x.dense)
	for k, i := range x.nonzero {
		at, xi := row(i, n), x.dense[i]
		f.place = append(f.place, int32(at+i))
		f.product = append(f.product, float32(xi*xi))
		for _, j := range x.nonzero[k+1:] {
			f.place = append(f.place, int32(at+j))
			f.product = append(f.product, float32(2*xi*x.dense[j]))
		}
	}
}

// at returns the form's value for a packed matrix that is positive definite. Four sums that do not wait for each other take a
// third of the time of one.
func (f *form) at(m []float32) float64 {
	place, product := f.place, f.product[:len(f.place)]
	var a, b, c, d float32
	for len(place) >= 4 && len(product) >= 4 {
		a += product[0] * m[place[0]]
		b += product[1] * m[place[1]]
		c += product[2] * m[place[2]]
		d += product[3] * m[place[3]]
		place, product = place[4:], product[4:]
	}
	for i, p := range place {
		a += product[i] * m[p]
	}
	return max(float64(a+b+c+d), 0)
}
