package policy

// form is what all arms of a case have in common when their estimates are computed: the numbers of a vector that are not 0, for
// its product with an arm's weights, and their products by twos, for the quadratic form of an arm's matrix.
type form struct {
	index   []int32
	number  []float64
	place   []int32 // in a packed triangle
	product []float32
}

// set makes f that of x. Places rise, so that a matrix is read from its beginning to its end.
func (f *form) set(x *vector) {
	n, used := len(x.dense), len(x.nonzero)
	f.index, f.number = resized(f.index, used), resized(f.number, used)
	for k, i := range x.nonzero {
		f.index[k], f.number[k] = int32(i), x.dense[i]
	}
	f.place, f.product = resized(f.place, packedLen(used)), resized(f.product, packedLen(used))
	place, product := f.place, f.product
	for k, i := range f.index {
		at, twice := int32(row(int(i), n)), 2*f.number[k]
		columns := f.index[k:]
		numbers := f.number[k:][:len(columns)]
		places, products := place[:len(columns)], product[:len(columns)]
		for l, j := range columns {
			places[l], products[l] = at+j, float32(twice*numbers[l])
		}
		products[0] /= 2
		place, product = place[len(columns):], product[len(columns):]
	}
}

// means appends the product with the vector of each of some weights to list.
func (f *form) means(list []float64, weights [][]float64) []float64 {
	return byFours(list, weights, func(w, v, u, t []float64) [4]float64 {
		v, u, t = v[:len(w)], u[:len(w)], t[:len(w)]
		numbers := f.number[:len(f.index)]
		var a, b, c, d float64
		for k, i := range f.index {
			x := numbers[k]
			a += x * w[i]
			b += x * v[i]
			c += x * u[i]
			d += x * t[i]
		}
		return [4]float64{a, b, c, d}
	})
}

// variances appends the value of the quadratic form for each of some packed matrices, which are positive definite, to list.
func (f *form) variances(list []float64, matrices [][]float32) []float64 {
	return byFours(list, matrices, func(m, n, o, p []float32) [4]float64 {
		n, o, p = n[:len(m)], o[:len(m)], p[:len(m)]
		products := f.product[:len(f.place)]
		var a, b, c, d float32
		for k, i := range f.place {
			x := products[k]
			a += x * m[i]
			b += x * n[i]
			c += x * o[i]
			d += x * p[i]
		}
		return [4]float64{max(float64(a), 0), max(float64(b), 0), max(float64(c), 0), max(float64(d), 0)}
	})
}

// byFours appends what f returns for each of some arms to list. Four arms are read side by side: sums that do not wait for each
// other take a third of the time.
func byFours[T any](list []float64, arms [][]T, f func(a, b, c, d []T) [4]float64) []float64 {
	var four [4][]T
	for len(arms) > 0 {
		n := copy(four[:], arms)
		for i := n; i < len(four); i++ {
			four[i] = four[0]
		}
		sums := f(four[0], four[1], four[2], four[3])
		list = append(list, sums[:n]...)
		arms = arms[n:]
	}
	return list
}
