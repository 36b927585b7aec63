package policy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"
)

// ErrState is returned for a learner's state that is damaged, or that another kind of learner, or one of other settings,
// has written.
var ErrState = errors.New("policy: state is not of this learner")

// stateMagic begins a learner's state; its last byte is the version of the format. What follows is little-endian: the
// length of the settings (uint32) and the settings, the number of lessons, the hash of what was learned, the highest number of
// a lesson, that up to which was forgotten, the four numbers (float64) of the drift, the shared model,
// the number of arms (uint32), and the arms in the order of their ids: length of the id (uint32), id, number of the last
// lesson, model. A model is the number of pending updates, then sums, moments, inverse and weights as float64. The CRC-32C
// of all that ends it. Numbers are uint64 unless said otherwise.
const stateMagic = "SPLEARN\x02"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary returns all that was learned: a learner of the same settings goes on from it bit for bit.
func (l *linear) MarshalBinary() ([]byte, error) {
	b := append(make([]byte, 0, l.stateSize()), stateMagic...)
	b = appendBytes(b, l.settings())
	b = binary.LittleEndian.AppendUint64(b, l.lessons)
	b = binary.LittleEndian.AppendUint64(b, l.state)
	b = binary.LittleEndian.AppendUint64(b, l.latest)
	b = binary.LittleEndian.AppendUint64(b, l.forgot)
	for _, v := range []float64{l.drift.lessons, l.drift.mean, l.drift.sum, l.drift.bold} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	b = l.shared.append(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(l.arms)))
	for _, id := range slices.Sorted(maps.Keys(l.arms)) {
		a := l.arms[id]
		b = appendBytes(b, []byte(id))
		b = binary.LittleEndian.AppendUint64(b, a.last)
		b = a.ridge.append(b)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

func (l *linear) stateSize() int {
	size := 1024 + ridgeSize(sharedDimensions)
	for id := range l.arms {
		size += 12 + len(id) + ridgeSize(l.options.Dimensions)
	}
	return size
}

// UnmarshalBinary replaces what was learned by what MarshalBinary wrote. After an error, ErrState, nothing has changed.
func (l *linear) UnmarshalBinary(data []byte) error {
	if len(data) < len(stateMagic)+4 || string(data[:len(stateMagic)]) != stateMagic {
		return fmt.Errorf("%w: no header of a known version", ErrState)
	}
	body, sum := data[:len(data)-4], binary.LittleEndian.Uint32(data[len(data)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return fmt.Errorf("%w: checksum is wrong", ErrState)
	}
	d := &decoder{rest: body[len(stateMagic):]}
	if !bytes.Equal(d.bytes(), l.settings()) {
		return fmt.Errorf("%w: settings differ", ErrState)
	}
	lessons, state, latest, forgot := d.uint64(), d.uint64(), d.uint64(), d.uint64()
	drift := drift{lessons: d.float64(), mean: d.float64(), sum: d.float64(), bold: d.float64()}
	shared := d.ridge(sharedDimensions)
	arms := make(map[string]*arm)
	for range d.uint32() {
		id := string(d.bytes())
		a := &arm{last: d.uint64(), ridge: d.ridge(l.options.Dimensions)}
		if d.failed {
			break
		}
		arms[id] = a
	}
	if d.failed || len(d.rest) != 0 {
		return fmt.Errorf("%w: wrong length", ErrState)
	}
	l.lessons, l.state, l.latest, l.forgot = lessons, state, latest, forgot
	l.drift, l.shared, l.arms = drift, shared, arms
	return nil
}

// ridgeSize is how many bytes ridge.append writes.
func ridgeSize(n int) int { return 8 * (1 + 2*packedLen(n) + 2*n) }

func (r *ridge) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(r.pending))
	for _, numbers := range [][]float64{r.sum, r.moment, r.inverse, r.weights} {
		for _, v := range numbers {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	return b
}

func appendBytes(b, s []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
}

// decoder reads a state. Once it has failed all that it reads is zero.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) take(n int) []byte {
	if d.failed || n > len(d.rest) {
		d.failed = true
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) uint32() uint32 {
	if b := d.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) float64() float64 { return math.Float64frombits(d.uint64()) }

func (d *decoder) bytes() []byte { return d.take(int(d.uint32())) }

func (d *decoder) ridge(n int) *ridge {
	b := d.take(ridgeSize(n))
	if b == nil {
		return nil
	}
	numbers := make([]float64, len(b)/8)
	for i := range numbers {
		numbers[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	r := &ridge{pending: int(binary.LittleEndian.Uint64(b))}
	numbers = numbers[1:]
	for _, part := range []struct {
		to *[]float64
		n  int
	}{{&r.sum, packedLen(n)}, {&r.moment, n}, {&r.inverse, packedLen(n)}, {&r.weights, n}} {
		*part.to, numbers = numbers[:part.n:part.n], numbers[part.n:]
	}
	return r
}
