package instrument

import (
	"slices"
	"strings"

	"spotter/timeline"
)

// listed returns words with commas between them.
func listed(words []string) string { return strings.Join(words, ", ") }

// words returns a list of words.
func (r *reader) words(v value, most int) (words []string) {
	r.list(v, most, func(v value) { words = append(words, r.word(v, maxWord)) })
	return words
}

func (r *reader) targets(v value) (t Targets) {
	r.fields(v, []field{
		{"any", func(v value) { t.Any = r.words(v, maxTargets) }},
		{"all", func(v value) { t.All = r.words(v, maxTargets) }},
		{"none", func(v value) { t.None = r.words(v, maxTargets) }},
	})
	for i, s := range t.None {
		same := func(other string) bool { return s != "" && strings.EqualFold(s, other) }
		if slices.ContainsFunc(t.Any, same) || slices.ContainsFunc(t.All, same) {
			r.fault(v.at("none", v.child("none")).index(i), "%q is also asked for: remove it here or there", clip(s))
		}
	}
	return t
}

func (r *reader) flight(v value) (f Flight) {
	r.fields(v, []field{
		{"start", func(v value) { f.Start = r.time(v) }},
		{"end", func(v value) { f.End = r.time(v) }},
	})
	if !f.Start.IsZero() && !f.End.IsZero() && !f.Start.Before(f.End) {
		r.fault(v.at("end", v.child("end")), "is not after the start: exchange them or move one")
	}
	return f
}

func (r *reader) positions(v value) (spans []timeline.Span) {
	r.list(v, maxItems, func(v value) {
		var s timeline.Span
		faults := len(r.faults)
		r.fields(v, []field{
			{"from", func(v value) { s.From = r.position(v) }},
			{"until", func(v value) { s.Until = r.position(v) }},
		})
		switch {
		case len(r.faults) > faults:
		case v.child("from") == nil || v.child("until") == nil:
			r.fault(v, "lacks from or until: give both, in seconds")
		case s.Len() <= 0:
			r.fault(v.at("until", v.child("until")), "is not after from: exchange them or move one")
		}
		spans = append(spans, s)
	})
	return spans
}

// position returns a position of up to three decimals.
func (r *reader) position(v value) timeline.Position {
	if v.kind != kindNumber {
		r.want(v, "a number of seconds such as 40 or 61.25")
		return 0
	}
	_, decimals, _ := strings.Cut(v.text, ".")
	p, err := timeline.ParsePosition(v.text)
	if err != nil || len(decimals) > 3 {
		r.fault(v, "want a number of seconds with at most three decimals, not %s", clip(v.text))
		return 0
	}
	return p
}

func (r *reader) caps(v value) (c Caps) {
	r.fields(v, []field{
		{"per_viewer", func(v value) { c.PerViewer = r.count(v) }},
		{"total", func(v value) { c.Total = r.count(v) }},
	})
	return c
}

func (r *reader) cost(v value) (c Cost) {
	r.fields(v, []field{
		{"decision", func(v value) { c.Decision = r.amount(v) }},
		{"view", func(v value) { c.View = r.amount(v) }},
		{"click", func(v value) { c.Click = r.amount(v) }},
		{"answer", func(v value) { c.Answer = r.amount(v) }},
		{"convert", func(v value) { c.Convert = r.amount(v) }},
	})
	return c
}

func (r *reader) audience(v value) map[string]Condition {
	all := make(map[string]Condition)
	r.entries(v, func(key string, v value) {
		if why := unfit(key, maxWord); why != "" {
			r.fault(v, "the attribute's name %s", why)
			return
		}
		all[key] = r.condition(v)
	})
	if len(all) > maxItems {
		r.fault(v, "has %d attributes: at most %d can be", len(all), maxItems)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func (r *reader) condition(v value) (c Condition) {
	faults := len(r.faults)
	r.fields(v, []field{
		{"min", func(v value) { c.Min = r.bound(v) }},
		{"max", func(v value) { c.Max = r.bound(v) }},
		{"in", func(v value) { c.In = r.scalars(v) }},
		{"not_in", func(v value) { c.NotIn = r.scalars(v) }},
		{"is", func(v value) {
			c.In = r.scalars(value{&node{kind: kindList, line: v.line, items: []*node{v.node}}, v.path})
		}},
		{"absent", func(v value) {
			if v.kind != kindBoolean {
				r.want(v, "true or false")
				return
			}
			absent := v.text == "true"
			c.Absent = &absent
		}},
	})
	if len(r.faults) > faults {
		return c
	}
	asks := c.Min != nil || c.Max != nil || c.In != nil || c.NotIn != nil
	switch {
	case !asks && c.Absent == nil:
		r.fault(v, "asks for nothing: write a condition such as {min: 18}, {in: [GB, IE]} or {absent: true}")
	case asks && c.Absent != nil && *c.Absent:
		r.fault(v, "what is absent meets no other condition: remove absent or the others")
	case c.Min != nil && c.Max != nil && *c.Min > *c.Max:
		r.fault(v, "min is above max: exchange them")
	case v.child("is") != nil && v.child("in") != nil:
		r.fault(v, "is and in are the same: put all into in")
	}
	return c
}

func (r *reader) bound(v value) *float64 {
	f, ok := r.number(v)
	if !ok {
		return nil
	}
	return &f
}

// scalars returns a list of one or more texts, numbers and truth values.
func (r *reader) scalars(v value) (all []any) {
	faults := len(r.faults)
	r.list(v, maxItems, func(v value) {
		switch v.kind {
		case kindText:
			all = append(all, v.text)
		case kindNumber:
			f, _ := r.number(v)
			all = append(all, f)
		case kindBoolean:
			all = append(all, v.text == "true")
		default:
			r.want(v, "text, a number, true or false")
		}
	})
	if len(all) == 0 && len(r.faults) == faults {
		r.fault(v, "is empty: write what there may be, or remove it")
	}
	return all
}
