package container

import (
	"bytes"
	"slices"
)

// collector makes a Video of units in decoding order.
type collector struct {
	codec   Codec
	params  [][]byte // in force at the first unit, where the container says so
	inForce [][]byte // those of the last key unit that brought any
	list    []Unit
	damaged int
}

// add appends a unit of the picture pic, whose parameter sets it copies if they are not those of the units before.
func (c *collector) add(pic *picture, u Unit) {
	u.codec, u.Key, u.Reference, u.layer = c.codec, pic.key, pic.reference, pic.layer
	if pic.key && len(pic.params) > 0 {
		if !slices.EqualFunc(c.inForce, pic.params, bytes.Equal) {
			c.inForce = cloneSets(pic.params)
		}
		u.Params = c.inForce
	}
	c.list = append(c.list, u)
}

func cloneSets(sets [][]byte) [][]byte {
	out := make([][]byte, len(sets))
	for i, s := range sets {
		out[i] = bytes.Clone(s)
	}
	return out
}

// video returns what was collected, with what only the whole segment tells: the first parameter sets, the picture's
// size, and which HEVC sub-layer is the highest, whose non-reference pictures alone are needed by no other (H.265,
// table 7-1).
func (c *collector) video() *Video {
	v := &Video{Codec: c.codec, Params: c.params, Units: c.list, Damaged: c.damaged}
	highest := uint8(0)
	for _, u := range v.Units {
		highest = max(highest, u.layer)
	}
	for i := range v.Units {
		u := &v.Units[i]
		u.Reference = u.Reference || u.layer < highest
		if u.Params != nil && (v.Params == nil || i == 0) {
			v.Params = u.Params
		}
	}
	v.Width, v.Height = v.Codec.size(v.Params)
	return v
}

func trimZeros(b []byte) []byte { return bytes.TrimRight(b, "\x00") }
