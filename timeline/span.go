package timeline

import "slices"

// Minus returns what of spans, which are in order and do not overlap, lies in none of others, which may be in any order.
func Minus(spans, others []Span) []Span {
	others = slices.Clone(others)
	slices.SortFunc(others, func(a, b Span) int { return int(a.From - b.From) })
	var out []Span
	for _, s := range spans {
		for _, o := range others {
			if o.Until <= s.From || o.Len() <= 0 {
				continue
			}
			if o.From >= s.Until {
				break
			}
			if o.From > s.From {
				out = append(out, Span{s.From, o.From})
			}
			s.From = min(o.Until, s.Until)
		}
		if s.Len() > 0 {
			out = append(out, s)
		}
	}
	return out
}
