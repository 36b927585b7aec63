package ledger

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"spotter/engage/policy"
	"spotter/timeline"
)

// A record is a kind (one byte) and its fields. Counts and numbers are varints. A name is a varint: its lowest bit says
// whether a name of the dictionary (1) or so many bytes that follow (0) are meant; two bits more say how the feature's
// value that follows is written, so that the common "category" with the value 1 takes no byte at all.
const (
	kindDecision = 1
	kindEvent    = 2

	valueFull  = 0 // 8 bytes
	valueOne   = 1
	valueShort = 2 // 4 bytes, when a float32 holds it exactly
	valueZero  = 3
)

// encoder appends records to buf. With a nil names all names are written out, as they are in the logs.
type encoder struct {
	buf   []byte
	names *names
	// viewer whose record it is: a name that only one viewer has is not put into the dictionary.
	viewer Viewer
}

func valueTag(v float64) uint64 {
	switch {
	case v == 1:
		return valueOne
	case math.Float64bits(v) == 0:
		return valueZero
	case math.Float64bits(float64(float32(v))) == math.Float64bits(v):
		return valueShort
	}
	return valueFull
}

// tagged appends a name to buf, which is e.buf or goes back there: what is written for each of a decision's many names is kept
// off the heap.
func (e *encoder) tagged(buf []byte, name string, tag uint64, personal bool) []byte {
	if e.names != nil {
		if id, ok := e.names.intern(name, e.viewer, personal); ok {
			return binary.AppendUvarint(buf, uint64(id)<<3|tag<<1|1)
		}
	}
	buf = binary.AppendUvarint(buf, uint64(len(name))<<3|tag<<1)
	return append(buf, name...)
}

func (e *encoder) name(name string) { e.buf = e.tagged(e.buf, name, 0, false) }

func appendBits(buf []byte, v float64, tag uint64) []byte {
	switch tag {
	case valueFull:
		return binary.LittleEndian.AppendUint64(buf, math.Float64bits(v))
	case valueShort:
		return binary.LittleEndian.AppendUint32(buf, math.Float32bits(float32(v)))
	}
	return buf
}

func (e *encoder) float(v float64) {
	tag := valueTag(v)
	e.buf = appendBits(append(e.buf, byte(tag)), v, tag)
}

func (e *encoder) features(fs []policy.Feature, personal bool) {
	buf := binary.AppendUvarint(e.buf, uint64(len(fs)))
	for i := range fs {
		tag := valueTag(fs[i].Value)
		buf = e.tagged(buf, fs[i].Name, tag, personal)
		buf = appendBits(buf, fs[i].Value, tag)
	}
	e.buf = buf
}

func (e *encoder) decision(d *Decision) {
	e.viewer = d.Viewer
	e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(d.At.UnixNano()))
	if d.Viewer == (Viewer{}) {
		e.buf = append(e.buf, 0)
	} else {
		e.buf = append(e.buf, 1)
		e.buf = append(e.buf, d.Viewer[:]...)
	}
	e.name(d.Media)
	e.buf = binary.AppendVarint(e.buf, int64(d.Position))
	e.buf = binary.AppendUvarint(e.buf, uint64(d.Choice))
	e.float(d.Propensity)
	e.name(d.Policy)
	e.float(d.Cost)
	e.features(d.Case.Context, true)
	e.buf = binary.AppendUvarint(e.buf, uint64(len(d.Case.Arms)))
	for i := range d.Case.Arms {
		e.name(d.Case.Arms[i].Instrument)
		e.features(d.Case.Arms[i].Features, false)
	}
}

func (e *encoder) event(v *Event) {
	e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(v.At.UnixNano()))
	e.buf = binary.AppendUvarint(e.buf, v.Decision)
	e.name(v.Type)
	e.float(v.Value)
	e.float(v.Reward)
	e.float(v.Cost)
}

// decoder reads what encoder wrote. After the first fault it reads zeros.
type decoder struct {
	buf   []byte
	names []string
	bad   bool
}

func (d *decoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.buf)) {
		d.bad, d.buf = true, nil
		return nil
	}
	b := d.buf[:n]
	d.buf = d.buf[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.buf)
	if n <= 0 {
		d.bad, d.buf = true, nil
		return 0
	}
	d.buf = d.buf[n:]
	return v
}

// count reads how many of something follow, each of which takes a byte at least.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.buf)) {
		d.bad, d.buf = true, nil
		return 0
	}
	return int(n)
}

func (d *decoder) time() time.Time {
	if b := d.take(8); b != nil {
		return time.Unix(0, int64(binary.LittleEndian.Uint64(b))).UTC()
	}
	return time.Time{}
}

func (d *decoder) tagged() (name string, tag uint64) {
	v := d.uvarint()
	tag, n := v>>1&3, v>>3
	if v&1 == 0 {
		return string(d.take(n)), tag
	}
	if n >= uint64(len(d.names)) {
		d.bad = true
		return "", tag
	}
	return d.names[n], tag
}

func (d *decoder) name() string {
	s, _ := d.tagged()
	return s
}

func (d *decoder) bits(tag uint64) float64 {
	switch tag {
	case valueFull:
		if b := d.take(8); b != nil {
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	case valueShort:
		if b := d.take(4); b != nil {
			return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	case valueOne:
		return 1
	}
	return 0
}

func (d *decoder) float() float64 { return d.bits(uint64(d.byte() & 3)) }

func (d *decoder) features() []policy.Feature {
	n := d.count()
	if n == 0 {
		return nil
	}
	fs := make([]policy.Feature, n)
	for i := range fs {
		name, tag := d.tagged()
		fs[i] = policy.Feature{Name: name, Value: d.bits(tag)}
	}
	return fs
}

func (d *decoder) decision() *Decision {
	v := &Decision{At: d.time()}
	if d.byte() != 0 {
		copy(v.Viewer[:], d.take(uint64(len(v.Viewer))))
	}
	v.Media = d.name()
	u := d.uvarint()
	v.Position = timeline.Position(int64(u>>1) ^ -int64(u&1))
	v.Choice = int(d.uvarint())
	v.Propensity = d.float()
	v.Policy = d.name()
	v.Cost = d.float()
	v.Case = &policy.Case{Context: d.features()}
	v.Case.Arms = make([]policy.Arm, d.count())
	for i := range v.Case.Arms {
		v.Case.Arms[i].Instrument = d.name()
		v.Case.Arms[i].Features = d.features()
	}
	if v.Choice < 0 || v.Choice >= len(v.Case.Arms) {
		d.bad = true
	}
	return v
}

func (d *decoder) event() *Event {
	return &Event{
		At: d.time(), Decision: d.uvarint(), Type: d.name(),
		Value: d.float(), Reward: d.float(), Cost: d.float(),
	}
}

// finish says whether all was read, and no more.
func (d *decoder) finish(number uint64) error {
	if d.bad || len(d.buf) > 0 {
		return fmt.Errorf("record %d: %w", number, ErrCorrupt)
	}
	return nil
}

// appendLogged appends a record as it stands in a log.
func appendLogged(buf []byte, r *Record) []byte {
	e := encoder{buf: buf}
	if r.Decision != nil {
		e.buf = append(e.buf, kindDecision)
		e.decision(r.Decision)
	} else {
		e.buf = append(e.buf, kindEvent)
		e.event(r.Event)
	}
	return e.buf
}

// readLogged is the inverse of appendLogged.
func readLogged(buf []byte, number uint64) (*Record, error) {
	d := decoder{buf: buf}
	r := &Record{Number: number}
	switch d.byte() {
	case kindDecision:
		r.Decision = d.decision()
	case kindEvent:
		r.Event = d.event()
	default:
		d.bad = true
	}
	return r, d.finish(number)
}

// stored is a record as the database has it: with the epoch of its names and, for a decision, how far behind it is the
// viewer's decision before, which makes a chain of a viewer's decisions; 0 ends it.
type stored struct {
	*Record
	back uint64
}

// appendStored appends a record as it stands in the database.
func appendStored(buf []byte, s stored, n *names) []byte {
	e := encoder{buf: buf, names: n}
	if s.Decision != nil {
		e.buf = append(e.buf, kindDecision)
		e.buf = binary.AppendUvarint(e.buf, uint64(n.epoch))
		e.buf = binary.AppendUvarint(e.buf, s.back)
		e.decision(s.Decision)
	} else {
		e.buf = append(e.buf, kindEvent)
		e.buf = binary.AppendUvarint(e.buf, uint64(n.epoch))
		e.event(s.Event)
	}
	return e.buf
}

// storedEpoch returns the epoch of a stored record, 0 if it is damaged.
func storedEpoch(buf []byte) uint32 {
	d := decoder{buf: buf}
	d.byte()
	return uint32(d.uvarint())
}
