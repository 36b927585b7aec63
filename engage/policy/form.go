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

// values appends the form's value for each of some packed matrices, which are positive definite, to list. Four matrices are read
// side by side: sums that do not wait for each other take a third of the time.
func (f *form) values(list []float64, matrices [][]float32) []float64 {
	var four [4][]float32
	for len(matrices) > 0 {
		n := copy(four[:], matrices)
		for i := n; i < len(four); i++ {
			four[i] = four[0]
		}
		sums := f.at(&four)
		for _, v := range sums[:n] {
			list = append(list, max(float64(v), 0))
		}
		matrices = matrices[n:]
	}
	return list
}

func (f *form) at(matrices *[4][]float32) [4]float32 {
	m := matrices[0]
	n, o, p := matrices[1][:len(m)], matrices[2][:len(m)], matrices[3][:len(m)]
	product := f.product[:len(f.place)]
	var a, b, c, d float32
	for i, at := range f.place {
		x := product[i]
		a += x * m[at]
		b += x * n[at]
		c += x * o[at]
		d += x * p[at]
	}
	return [4]float32{a, b, c, d}
}
