package timeline

import (
	"cmp"
	"slices"
)

const (
	// blockSize is how many observations a block holds at most: enough to keep the index short, few enough to copy one
	// for each observation that comes in.
	blockSize = 128
	// groupSize is of how many blocks a look-up can tell at once that they end too early.
	groupSize = 16
)

// block is some observations that follow one another. It is not changed.
type block struct {
	scenes       []scene        // by From, no two the same, as a look-up wants them
	mentions     []mention      // of all scenes, in their order
	begins       Span           // where the first and the last scene begin
	longest      Position       // length of the longest scene
	reach        Position       // where the last of them ends
	observations []*Observation // the same as scenes
}

// scene is what a look-up needs of an observation: mentions[celebrities:objects] and mentions[objects:end] of its block.
type scene struct {
	Span
	celebrities, objects, end uint32
	source                    uint32 // index in table.sources
}

// newBlock returns an empty block with room for n observations of so many mentions each.
func newBlock(n, mentions int) *block {
	return &block{
		observations: make([]*Observation, 0, n), scenes: make([]scene, 0, n), mentions: make([]mention, 0, n*mentions),
	}
}

func (b *block) full(size int) bool { return len(b.observations) >= size }

// add adds an observation that begins after all others.
func (b *block) add(t *table, o *Observation) {
	first := uint32(len(b.mentions))
	objects := first + uint32(len(o.Celebrities))
	b.mentions = t.appendMentions(b.mentions, o)
	b.put(o, scene{o.Span, first, objects, uint32(len(b.mentions)), t.source(o.Source)})
}

// copy adds the i-th observation of another block.
func (b *block) copy(c *block, i int) {
	s, first := c.scenes[i], uint32(len(b.mentions))
	b.mentions = append(b.mentions, c.mentions[s.celebrities:s.end]...)
	s.celebrities, s.objects, s.end = first, first+s.objects-s.celebrities, uint32(len(b.mentions))
	b.put(c.observations[i], s)
}

func (b *block) put(o *Observation, s scene) {
	if len(b.scenes) == 0 {
		b.begins.From, b.reach = s.From, s.Until
	}
	b.begins.Until = s.From
	b.longest, b.reach = max(b.longest, s.Len()), max(b.reach, s.Until)
	b.observations, b.scenes = append(b.observations, o), append(b.scenes, s)
}

// guess returns which scene begins at p if all are of one length, cut to those that there are.
func (b *block) guess(p Position) int {
	last := len(b.scenes) - 1
	switch {
	case p <= b.begins.From:
		return 0
	case p >= b.begins.Until:
		return last
	}
	return int(int64(p-b.begins.From) * int64(last) / int64(b.begins.Len()))
}

// warm reads a little everywhere where a look-up in w is likely to read more, so that memory which is not in the CPU's cache
// comes all at once and not piece by piece. What it returns means nothing, but that it was read.
func (b *block) warm(w Span) (read uint32) {
	const scenesApart, mentionsApart = 2, 4 // as many as there are in a line of the cache
	lo, hi := b.guess(w.From-b.longest), b.guess(w.Until)
	for i := lo; i <= hi; i += scenesApart {
		read += b.scenes[i].source
	}
	perScene := len(b.mentions) / len(b.scenes)
	for i, end := lo*perScene, min((hi+1)*perScene, len(b.mentions)); i < end; i += mentionsApart {
		read += b.mentions[i].entity
	}
	return read
}

// first returns the index of the first scene that may reach w: none that begins earlier is long enough. It looks first where
// that is likely, and then ever farther from there, for that touches the least memory.
func (b *block) first(w Span) int {
	from := w.From - b.longest
	lo := b.guess(from)
	hi := lo
	for step := 1; lo > 0 && b.scenes[lo].From >= from; step *= 2 {
		lo, hi = max(0, lo-step), lo
	}
	for step := 1; hi < len(b.scenes) && b.scenes[hi].From < from; step *= 2 {
		lo, hi = hi+1, min(len(b.scenes), hi+step)
	}
	for lo < hi {
		if middle := int(uint(lo+hi) / 2); b.scenes[middle].From < from {
			lo = middle + 1
		} else {
			hi = middle
		}
	}
	return lo
}

// search returns where the observation that begins at p is, or would be.
func (b *block) search(p Position) (i int, found bool) {
	return slices.BinarySearchFunc(b.scenes, p, func(s scene, p Position) int { return cmp.Compare(s.From, p) })
}

// entry is a block in the index.
type entry struct {
	from, reach Position // of the block's first scene, and where its last ends
	block       *block
}

// insert returns the entries of the blocks that come of adding observations, sorted and no two the same, to old, which may be
// nil. The last block of a timeline is filled to the brim, because the next one comes after it; others keep room.
func (t *table) insert(list []entry, old *block, added []*Observation, last bool) []entry {
	if old == nil {
		old = new(block)
	}
	size, total := blockSize, len(old.observations)+len(added)
	if !last {
		pieces := (total + blockSize - 1) / blockSize
		size = (total + pieces - 1) / pieces
	}
	mentions := len(old.mentions)
	for _, o := range added {
		mentions += len(o.Celebrities) + len(o.Objects)
	}
	mentions = (mentions + total - 1) / total // on average

	b := newBlock(min(size, total), mentions)
	for i := 0; i < len(old.observations) || len(added) > 0; {
		if b.full(size) {
			list = append(list, entry{b.scenes[0].From, b.reach, b})
			b = newBlock(min(size, len(old.observations)-i+len(added)), mentions)
		}
		if len(added) == 0 || i < len(old.observations) && old.scenes[i].From < added[0].From {
			b.copy(old, i)
			i++
			continue
		}
		if i < len(old.observations) && old.scenes[i].From == added[0].From {
			i++ // it is replaced
		}
		b.add(t, added[0])
		added = added[1:]
	}
	return append(list, entry{b.scenes[0].From, b.reach, b})
}

// reaches returns where the last scene of each group of blocks ends.
func reaches(index []entry) []Position {
	list := make([]Position, 0, (len(index)+groupSize-1)/groupSize)
	for group := range slices.Chunk(index, groupSize) {
		reach := group[0].reach
		for i := range group {
			reach = max(reach, group[i].reach)
		}
		list = append(list, reach)
	}
	return list
}
