package policy

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
	"sync"

	"github.com/cespare/xxhash/v2"
)

// VectorVersion names the way in which Vector describes an arm. A model is of use only with the version it was trained for.
const VectorVersion = "1"

// Scorer is a classifier that was trained elsewhere. It is safe for use by many goroutines.
type Scorer interface {
	// Score sets scores[i], one for each of the rows, to the probability that the arm of row i is rewarded. x holds the rows one
	// after the other, each a Vector. It keeps neither slice.
	Score(x []float32, rows int, scores []float32) error
}

// ModelOptions says how a model is asked.
type ModelOptions struct {
	// Dimensions is how long the rows are that the model was trained on: a power of two, 16 to 65536.
	Dimensions int
	// Name is the policy's version: it tells this model from any other, as ModelName does.
	Name string
}

// ModelName returns a version for the model in a file, such as "model/1f3a9c20".
func ModelName(file []byte) string { return fmt.Sprintf("model/%08x", crc32.ChecksumIEEE(file)) }

// ErrScore is returned when a model gives a score that is not a number.
var ErrScore = errors.New("the model's score is not a number")

type model struct {
	scorer Scorer
	o      ModelOptions
	pool   sync.Pool
}

// rows are what a model reads and writes.
type rows struct {
	x, scores []float32
	hashes    hashes
}

// NewModel returns a policy that chooses the arm to which a model gives the highest score; arms of the same score share the
// probability. It explores nothing: wrap it in Explore for that. It returns an error for options out of range.
func NewModel(m Scorer, o ModelOptions) (Policy, error) {
	if o.Dimensions < 16 || o.Dimensions > 1<<16 || bits.OnesCount(uint(o.Dimensions)) != 1 {
		return nil, fmt.Errorf("make model policy: %d dimensions: a power of two from 16 to 65536 is needed", o.Dimensions)
	}
	return &model{scorer: m, o: o, pool: sync.Pool{New: func() any { return new(rows) }}}, nil
}

// Version implements Policy.
func (m *model) Version() string { return m.o.Name }

// Weigh implements Policy. It passes on the model's error, and returns ErrScore for a score that is no number.
func (m *model) Weigh(c *Case, p []float64) error {
	r := m.pool.Get().(*rows)
	defer m.pool.Put(r)
	n := len(c.Arms)
	r.x, r.scores = resized(r.x, n*m.o.Dimensions), resized(r.scores, n)
	clear(r.x)
	r.hashes.ofContext(c)
	for i := range c.Arms {
		r.hashes.add(&c.Arms[i], r.x[i*m.o.Dimensions:(i+1)*m.o.Dimensions])
	}
	if err := m.scorer.Score(r.x, n, r.scores); err != nil {
		return fmt.Errorf("weigh by %s: %w", m.o.Name, err)
	}
	return shareOut(r.scores, p)
}

// shareOut gives the highest scores equal shares of the probability and the others none.
func shareOut(scores []float32, p []float64) error {
	best, ties := float32(math.Inf(-1)), 0
	for _, s := range scores {
		switch {
		case s != s || math.IsInf(float64(s), 0):
			return ErrScore
		case s > best:
			best, ties = s, 1
		case s == best:
			ties++
		}
	}
	for i, s := range scores {
		p[i] = 0
		if s == best {
			p[i] = 1 / float64(ties)
		}
	}
	return nil
}

// resized returns s, or another, with n elements of any value.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// Vector sets x, whose length is a power of two, to what a model sees of an arm of a case: the context's features, the arm's
// (its instrument's id is one of them, with value 1), and their products, hashed into len(x) numbers with a sign each
// (Weinberger et al. 2009, arXiv:0902.2206). Values are cut to [-10, 10], and one that is not finite is 0. In detail, with
// 64-bit unsigned arithmetic that wraps around:
//
//	h(name)  is xxHash64, seed 0, of "c " and a context feature's name, "a " and an arm feature's, "i " and the id
//	h(a x b) is m xor (m >> 32), where m = (h(a) xor (h(b) rotated left by 1)) * 0x9fb21c651e98df25
//	number   h mod len(x) of x grows by the value, or by minus the value where the top bit of h is set
func Vector(c *Case, arm int, x []float32) {
	var h hashes
	h.ofContext(c)
	clear(x)
	h.add(&c.Arms[arm], x)
}

// term is a feature's hash and its value.
type term struct {
	hash  uint64
	value float32
}

// hashes holds a context's terms, which all arms of a case have in common, and room for a name.
type hashes struct {
	context []term
	name    []byte
}

func (h *hashes) of(kind byte, name string, value float64) term {
	h.name = append(append(h.name[:0], kind, ' '), name...)
	if math.IsNaN(value) || math.IsInf(value, 0) {
		value = 0
	}
	return term{xxhash.Sum64(h.name), float32(min(max(value, -10), 10))}
}

func (h *hashes) ofContext(c *Case) {
	h.context = h.context[:0]
	for _, f := range c.Context {
		h.context = append(h.context, h.of('c', f.Name, f.Value))
	}
}

func (h *hashes) add(a *Arm, x []float32) {
	for _, t := range h.context {
		t.addTo(x)
	}
	h.addArm(h.of('i', a.Instrument, 1), x)
	for _, f := range a.Features {
		h.addArm(h.of('a', f.Name, f.Value), x)
	}
}

// addArm adds a term of an arm and its products with those of the context.
func (h *hashes) addArm(t term, x []float32) {
	t.addTo(x)
	for _, c := range h.context {
		m := (c.hash ^ bits.RotateLeft64(t.hash, 1)) * 0x9fb21c651e98df25
		term{m ^ m>>32, c.value * t.value}.addTo(x)
	}
}

func (t term) addTo(x []float32) {
	if t.hash>>63 == 1 {
		t.value = -t.value
	}
	x[t.hash&uint64(len(x)-1)] += t.value
}
