package capture

import (
	"math"
	"slices"
	"time"

	"spotter/capture/container"
)

// believable leaves out pictures whose PTS lie absurdly far from the others', as damaged packets have them, and returns how
// many they were.
func believable(units []container.Unit, announced time.Duration) ([]container.Unit, int) {
	const least = 60 * time.Second
	limit := ticks(max(3*min(announced, least), least))
	base := units[0].PTS
	d := make([]int64, len(units))
	for i, u := range units {
		d[i] = container.Unwrap(u.PTS - base)
	}
	sorted := slices.Sorted(slices.Values(d))
	if kept := together(units, d, sorted); len(kept) < len(units) && len(kept) >= len(units)*3/4 {
		return kept, len(units) - len(kept)
	}
	if sorted[len(d)-1]-sorted[0] <= limit {
		return units, 0
	}
	middle := sorted[len(d)/2]
	kept := make([]container.Unit, 0, len(units))
	for i, u := range units {
		if off := d[i] - middle; max(off, -off) <= limit {
			kept = append(kept, u)
		}
	}
	return kept, len(units) - len(kept)
}

// together returns the pictures of the longest stretch in which none is further than apart from the next.
func together(units []container.Unit, d, sorted []int64) []container.Unit {
	const apart = 2 * ticksPerSecond
	from, until, begin := 0, 0, 0
	for i := range sorted {
		if i > 0 && sorted[i]-sorted[i-1] > apart {
			begin = i
		}
		if i+1-begin > until-from {
			from, until = begin, i+1
		}
	}
	lo, hi := sorted[from], sorted[until-1]
	if until-from == len(units) {
		return units
	}
	kept := make([]container.Unit, 0, until-from)
	for i, u := range units {
		if d[i] >= lo && d[i] <= hi {
			kept = append(kept, u)
		}
	}
	return kept
}

// extent returns where a segment's pictures begin and end, in ticks from the first PTS as it stands. The last picture
// is taken to last as long as the one before it, a lone one as long as the playlist says.
func extent(units []container.Unit, announced time.Duration) (first, end int64) {
	base := units[0].PTS
	var lo, hi int64
	before := int64(math.MinInt64) // the PTS shown before the last
	for _, u := range units[1:] {
		d := container.Unwrap(u.PTS - base)
		lo = min(lo, d)
		if d > hi {
			hi, before = d, hi
		} else if d < hi {
			before = max(before, d)
		}
	}
	last := announced.Milliseconds() * ticksPerMilli
	if before != math.MinInt64 {
		last = hi - before
	}
	return base + lo, base + hi + last
}
