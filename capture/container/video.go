package container

import (
	"bytes"
	"slices"
)

// collector makes a Video of units in decoding order.
type collector struct {
	codec   Codec
	params  [][]byte // in force at the first unit, where the container says so
	box     colour   // what the container says
	opening colour   // what it says of the first unit
	turn    int      // degrees clockwise, by the container
	inForce [][]byte // those of the last key unit that brought any
	seq     sequence // what inForce says
	shape   *Shape   // of the last key unit that brought parameter sets
	first   *spoken  // of the first key unit
	half    field    // the last unit, while it is a lone field
	list    []Unit
	damaged int
}

// add appends a unit of the picture pic, whose parameter sets it copies if they are not those of the units before.
func (c *collector) add(pic *picture, u Unit) {
	u.codec, u.Key, u.Reference, u.layer = c.codec, pic.key, pic.reference, pic.layer
	if pic.key {
		c.addKey(pic, &u)
	}
	c.half = pic.field
	c.list = append(c.list, u)
}

func (c *collector) addKey(pic *picture, u *Unit) {
	sei := pic.spoken()
	if c.first == nil {
		c.first = &sei
	}
	if len(pic.params) == 0 {
		return
	}
	sets := c.completed(pic.params)
	if !slices.EqualFunc(c.inForce, sets, bytes.Equal) {
		c.inForce = cloneSets(sets)
		if seq, ok := c.codec.sequence(c.inForce); ok {
			c.seq = seq
		}
	}
	shape := c.seq.shape(c.box, c.turn, sei)
	if c.codec == MPEG2 {
		shape.Interlaced = shape.Interlaced && pic.woven
	}
	if c.shape == nil || *c.shape != shape {
		c.shape = &shape
	}
	u.Params, u.Shape = c.inForce, c.shape
}

// completed adds to parameter sets that hold no SPS the one in force, with what else is not a PPS.
func (c *collector) completed(sets [][]byte) [][]byte {
	if slices.ContainsFunc(sets, c.codec.isSequence) {
		return sets
	}
	before := c.inForce
	if before == nil {
		before = c.params
	}
	var kept [][]byte
	for _, s := range before {
		if !c.codec.isPicture(s) {
			kept = append(kept, s)
		}
	}
	return append(kept, sets...)
}

// completes reports whether pic is the second field of the last unit's picture.
func (c *collector) completes(pic *picture) bool {
	return c.half.parity != frame && c.half.completedBy(pic, c.list[len(c.list)-1].Reference)
}

// complete adds the second field to the last unit, whose payload is now raw.
func (c *collector) complete(raw []byte, size int) {
	u := &c.list[len(c.list)-1]
	u.raw, u.size = raw, u.size+size
	c.half = field{}
}

func cloneSets(sets [][]byte) [][]byte {
	out := make([][]byte, len(sets))
	for i, s := range sets {
		out[i] = bytes.Clone(s)
	}
	return out
}

// video returns what was collected, with what only the whole segment tells: the first parameter sets, the picture's
// size and shape, and which HEVC sub-layer is the highest, whose non-reference pictures alone are needed by no other
// (H.265, table 7-1).
func (c *collector) video() *Video {
	v := &Video{Codec: c.codec, Params: c.params, Units: c.list, Damaged: c.damaged}
	highest := uint8(0)
	for _, u := range v.Units {
		highest = max(highest, u.layer)
	}
	var shape *Shape
	for i := range v.Units {
		u := &v.Units[i]
		u.Reference = u.Reference || u.layer < highest
		if u.Params != nil && (v.Params == nil || i == 0) {
			v.Params, shape = u.Params, u.Shape
		}
	}
	seq, _ := v.Codec.sequence(v.Params)
	v.Width, v.Height = seq.width, seq.height
	if shape == nil {
		var sei spoken
		if c.first != nil {
			sei = *c.first
		}
		s := seq.shape(c.opening, c.turn, sei)
		shape = &s
	}
	v.Shape = *shape
	return v
}

func trimZeros(b []byte) []byte { return bytes.TrimRight(b, "\x00") }
