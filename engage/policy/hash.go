package policy

import (
	"math"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// maxValue bounds a feature's value: one wild number must not outweigh all else that was learned.
const maxValue = 10

// hashName is the hash of a feature's name. Its place in a vector and its sign follow from it (see place), so that many
// names share a short vector and collisions cancel on average: Weinberger et al. 2009, arXiv:0902.2206.
func hashName(name string) uint64 { return xxhash.Sum64String(name) }

// hashPair is the hash of the product of two features. It mixes as splitmix64 does; the order of both matters.
func hashPair(a, b uint64) uint64 {
	h := a*0x9e3779b97f4a7c15 + b
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// place returns where a feature of that hash stands in a vector of n numbers, and its value with the sign bit applied.
// Number 0 is kept for the bias.
func place(hash uint64, value float64, n int) (int, float64) {
	if hash>>63 != 0 {
		value = -value
	}
	i, _ := bits.Mul64(hash<<1, uint64(n-1)) // a division takes ten times as long
	return 1 + int(i), value
}

// clampValue makes any number one that can be learned from: NaN becomes 0, the rest is brought to [-10, 10].
func clampValue(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, -maxValue), maxValue)
}

// hashed is a feature whose name has been hashed.
type hashed struct {
	hash  uint64
	value float64
}

// hashAll appends the features, hashed and clamped, to dst; those of value 0 are left out.
func hashAll(dst []hashed, features []Feature) []hashed {
	for _, f := range features {
		if v := clampValue(f.Value); v != 0 {
			dst = append(dst, hashed{hashName(f.Name), v})
		}
	}
	return dst
}

// vector is a hashed vector, dense and with the places that are not 0 in rising order.
type vector struct {
	dense   []float64
	nonzero []int
}

func newVector(n int) vector { return vector{dense: make([]float64, n), nonzero: make([]int, 0, n)} }

// clear sets all to 0.
func (v *vector) clear() {
	clear(v.dense)
	v.nonzero = v.nonzero[:0]
}

// add adds a feature to its place.
func (v *vector) add(hash uint64, value float64) {
	i, x := place(hash, value, len(v.dense))
	v.dense[i] += x
}

// index finds the places that are not 0, after the last add.
func (v *vector) index() {
	v.nonzero = v.nonzero[:0]
	for i, x := range v.dense {
		if x != 0 {
			v.nonzero = append(v.nonzero, i)
		}
	}
}

// setContext makes v the bias and the context's features.
func (v *vector) setContext(context []hashed) {
	v.clear()
	v.dense[0] = 1
	for _, f := range context {
		v.add(f.hash, f.value)
	}
	v.index()
}

// setShared makes v what all arms have in common: the arm's features, and the products of each, and of being an arm at
// all, with the context.
func (v *vector) setShared(context, arm []hashed) {
	v.clear()
	v.dense[0] = 1
	for _, c := range context {
		v.add(c.hash, c.value)
	}
	for _, a := range arm {
		v.add(a.hash, a.value)
		for _, c := range context {
			v.add(hashPair(a.hash, c.hash), a.value*c.value)
		}
	}
	v.index()
}

// dot returns the product of v with w.
func (v *vector) dot(w []float64) float64 {
	var sum float64
	for _, i := range v.nonzero {
		sum += v.dense[i] * w[i]
	}
	return sum
}

// square returns the product of v with itself.
func (v *vector) square() float64 { return v.dot(v.dense) }
