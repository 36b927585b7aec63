package thumbnail

import (
	"cmp"
	"math"
	"slices"
	"time"

	"spotter/timeline"
)

// entry is one picture as working memory has it.
type entry struct {
	at    timeline.Position
	added int64 // microseconds since the Unix epoch
	bytes int64 // that it takes
}

// index has all pictures of a file.
type index struct {
	media map[string][]entry // by position
	bytes int64
}

func (x *index) find(media string, at timeline.Position) (int, bool) {
	return slices.BinarySearchFunc(x.media[media], at, func(e entry, at timeline.Position) int { return cmp.Compare(e.at, at) })
}

// put adds an entry, or replaces that of the same position.
func (x *index) put(media string, e entry) {
	if x.media == nil {
		x.media = make(map[string][]entry)
	}
	i, found := x.find(media, e.at)
	if found {
		x.bytes += e.bytes - x.media[media][i].bytes
		x.media[media][i] = e
		return
	}
	x.media[media] = slices.Insert(x.media[media], i, e)
	x.bytes += e.bytes
}

// named is an entry and whose it is.
type named struct {
	media string
	entry
}

// oldest returns the entries that were added first, of that many bytes together at least. Before all others come those of a time
// that is yet to be: the clock was wrong then, and they would outlast all that comes after it was set right.
func (x *index) oldest(bytes int64, now time.Time) (list []named) {
	for media, entries := range x.media {
		for _, e := range entries {
			if e.added > now.UnixMicro() {
				e.added -= math.MaxInt64
			}
			list = append(list, named{media, e})
		}
	}
	slices.SortFunc(list, func(a, b named) int { return cmp.Compare(a.added, b.added) })
	for i, e := range list {
		if bytes <= 0 {
			return list[:i]
		}
		bytes -= e.bytes
	}
	return list
}

// remove takes entries out.
func (x *index) remove(gone []named) {
	byMedia := make(map[string]map[timeline.Position]bool)
	for _, g := range gone {
		if byMedia[g.media] == nil {
			byMedia[g.media] = make(map[timeline.Position]bool)
		}
		byMedia[g.media][g.at] = true
	}
	for media, at := range byMedia {
		x.media[media] = slices.DeleteFunc(x.media[media], func(e entry) bool {
			if at[e.at] {
				x.bytes -= e.bytes
			}
			return at[e.at]
		})
		if len(x.media[media]) == 0 {
			delete(x.media, media)
		}
	}
}

// within returns the positions of a media in a closed window: of more than most, that many, as evenly as can be.
func (x *index) within(media string, w timeline.Span, most int) (at []timeline.Position, thinned bool) {
	first, _ := x.find(media, w.From)
	end, found := x.find(media, w.Until)
	if found {
		end++
	}
	if first >= end || most <= 0 {
		return nil, false
	}
	list := x.media[media][first:end]
	n := min(len(list), most)
	at = make([]timeline.Position, n)
	for i := range at {
		at[i] = list[i*len(list)/n].at
	}
	return at, n < len(list)
}
