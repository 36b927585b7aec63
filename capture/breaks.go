package capture

import (
	"cmp"
	"slices"

	"spotter/capture/scte35"
	"spotter/timeline"
)

const (
	// sameStart is how far apart two dialects may put the beginning of one break: playlists tell it by the segment,
	// SCTE 35 by the picture.
	sameStart = timeline.Position(2000)
	// lateBreak is how long after its time a beginning is still believed. Answers older than that are handed out as
	// never changing.
	lateBreak = timeline.Position(50_000)
	// longestOpen ends a break of which nobody said how long it lasts.
	longestOpen = timeline.Position(600_000)
	// longestSilence ends one that was said to go on and then was not.
	longestSilence = timeline.Position(10_000)
	// longestBreak is beyond belief.
	longestBreak = timeline.Position(24 * 3600_000)

	breakChanges = 16 // reported a segment
	pastBreaks   = 8  // remembered
	comingSigns  = 32 // announced and not yet reached
	breakNames   = 8  // of one break
)

// breaks turns what a stream says of its advertisement breaks into spans of its clock. It is stored with the clock, as
// JSON, so that neither a restart nor a segment read again tells anything twice.
type breaks struct {
	Open   *heard            `json:"open,omitempty"`
	Past   []*heard          `json:"past,omitempty"` // by From
	Coming []sign            `json:"coming,omitempty"`
	End    timeline.Position `json:"end"` // of the newest segment
	Began  bool              `json:"began,omitempty"`
}

// heard is a break and what it is known by when it is told of again.
type heard struct {
	timeline.Break
	Names []string          `json:"names,omitempty"`
	Rank  scte35.Rank       `json:"rank,omitempty"`
	Plan  timeline.Position `json:"plan,omitempty"` // its planned end, where After says so
	After bool              `json:"after,omitempty"`
	// Alive is up to where the stream has said that the break goes on.
	Alive    timeline.Position `json:"alive"`
	Reported bool              `json:"reported,omitempty"`
	Lapsed   bool              `json:"lapsed,omitempty"` // nobody said that it ended
}

// add takes up one segment's marks, in the order of the segments, and returns the breaks that are new or changed, by
// From.
func (b *breaks) add(m marks) []timeline.Break {
	t := turn{breaks: b, span: m.span, floor: min(0, m.span.From)}
	if b.Began {
		t.floor = min(b.End-lateBreak, m.span.From)
	}
	due := b.due(m.signs(), m.span.Until)
	for i := range due {
		t.apply(&due[i])
	}
	t.expect()
	t.lapse()
	b.End, b.Began = m.span.Until, true
	if n := len(b.Past) - pastBreaks; n > 0 {
		b.Past = slices.Clone(b.Past[n:])
	}
	return t.report()
}

// covers reports whether p lies in a break known so far.
func (b *breaks) covers(p timeline.Position) bool {
	if o := b.Open; o != nil && p >= o.From && (!o.After || p < o.Plan) {
		return true
	}
	return slices.ContainsFunc(b.Past, func(h *heard) bool { return p >= h.From && p < h.Until })
}

// due returns the signs whose time has come before until, in order; the others wait. What was said before of the same is
// forgotten.
func (b *breaks) due(told []sign, until timeline.Position) []sign {
	var now []sign
	for _, s := range told {
		same := func(o sign) bool { return o.sameAs(&s) }
		b.Coming = slices.DeleteFunc(b.Coming, same)
		switch {
		case s.Kind == signCancel:
			now = append(slices.DeleteFunc(now, same), s)
		case s.At < until:
			now = append(now, s)
		case len(b.Coming) < comingSigns:
			b.Coming = append(b.Coming, s)
		}
	}
	later := b.Coming[:0]
	for _, s := range b.Coming {
		if s.At < until {
			now = append(now, s)
		} else {
			later = append(later, s)
		}
	}
	b.Coming = later
	slices.SortStableFunc(now, func(x, y sign) int { return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.Kind, y.Kind)) })
	return now
}

// sameAs reports whether the later sign s takes o's place.
func (o *sign) sameAs(s *sign) bool {
	switch {
	case s.Kind == signCancel:
		return o.Kind != signGoesOn && share(o.Names, s.Names)
	case o.Kind != s.Kind:
		return false
	case o.Own && s.Own:
		return o.Names[0] == s.Names[0]
	case len(o.Names)+len(s.Names) == 0:
		return o.At == s.At
	}
	return share(o.Names, s.Names)
}

// turn is one segment's turn.
type turn struct {
	*breaks
	span    timeline.Span
	floor   timeline.Position // nothing begins before it
	changed []*heard
}

func (t *turn) change(h *heard) {
	if !slices.Contains(t.changed, h) {
		t.changed = append(t.changed, h)
	}
}

func (t *turn) apply(s *sign) {
	switch s.Kind {
	case signStart:
		t.start(s)
	case signGoesOn:
		t.goOn(s)
	case signEnd:
		t.end(s)
	case signCancel:
		if o := t.Open; o != nil && share(o.Names, s.Names) {
			t.close(t.span.From)
		}
	}
}

func (t *turn) start(s *sign) {
	if h := t.find(s); h != nil {
		t.learn(h, s)
		return
	}
	if s.At < t.floor && t.Began {
		return // over, or told too late
	}
	if o := t.Open; o != nil {
		over := o.After && s.At >= o.Plan-sameStart
		inner, again := level(s.Rank) > level(o.Rank), len(s.Names) == 0 && o.After
		if !over && (inner || again) {
			return
		}
		t.close(o.lasts(s.At))
	}
	t.open(s)
}

// goOn keeps a break open past its plan, or opens the one that began before this box looked.
func (t *turn) goOn(s *sign) {
	if n := len(t.Past); t.Open == nil && n > 0 && !t.Past[n-1].Lapsed && t.Past[n-1].Until >= t.span.From {
		return // its end stands at the same segment
	}
	if t.Open == nil {
		began := *s
		began.At = max(s.At, t.floor)
		if s.Plan > 0 {
			began.Plan = s.Plan - (began.At - s.At)
		}
		if s.Plan > 0 && began.At+began.Plan <= t.span.From {
			began.Plan = 0 // it outlasts its plan
		}
		if h := t.find(&began); h != nil && h.Lapsed && t.span.From-h.Until <= lateBreak {
			t.reopen(h)
		} else {
			t.open(&began)
		}
	}
	o := t.Open
	if o == nil {
		return
	}
	o.Alive = max(o.Alive, t.span.Until)
	if o.After && t.span.From >= o.Plan {
		o.After = false
		t.change(o)
	} else if share(o.Names, s.Names) || abs(s.At-o.From) <= sameStart {
		t.learn(o, s)
	}
}

// end ends the break on air, unless the end is one of something that lies in it or was over before it.
func (t *turn) end(s *sign) {
	o := t.Open
	if o == nil || s.At < o.From {
		return
	}
	if !share(o.Names, s.Names) && (s.Own || s.At == o.From || level(s.Rank) > level(o.Rank)) {
		return
	}
	t.close(s.At)
}

// find returns the break that a beginning tells of, if it is known.
func (t *turn) find(s *sign) *heard {
	same := func(h *heard) bool {
		own := s.Own && slices.Contains(h.Names, s.Names[0])
		// Encoders use a few event ids again and again.
		over := h.After && s.At >= h.Plan || !h.Open && s.At >= h.Until
		return own || share(h.Names, s.Names) && !over || abs(s.At-h.From) <= sameStart
	}
	if t.Open != nil && same(t.Open) {
		return t.Open
	}
	for _, h := range slices.Backward(t.Past) {
		if same(h) {
			return h
		}
	}
	return nil
}

func (t *turn) open(s *sign) {
	if len(t.changed) >= breakChanges {
		return
	}
	from := max(s.At, t.floor)
	if n := len(t.Past); n > 0 && t.Past[n-1].Until < t.span.Until { // else the clock went back
		from = max(from, t.Past[n-1].Until)
	}
	h := &heard{Break: timeline.Break{Span: timeline.Span{From: from, Until: from}, Open: true}, Alive: from}
	if len(s.Names) > 0 {
		h.ID = s.Names[0]
	}
	if until := s.At + s.Plan; s.Plan > 0 && until > from && s.Plan <= longestBreak {
		h.Plan, h.After = until, true
	}
	h.Names, h.Rank = s.Names, s.Rank
	t.Open = h
	t.change(h)
}

// learn adds what another dialect tells of a break. What was planned first holds.
func (t *turn) learn(h *heard, s *sign) {
	switch inner, outer := level(s.Rank) > level(h.Rank), level(s.Rank) < level(h.Rank); {
	case inner && !share(h.Names, s.Names):
		return // it only begins with the break; its end is not the break's
	case outer:
		h.Names, h.Rank = nil, s.Rank
	case h.Rank == scte35.RankNone:
		h.Rank = s.Rank
	}
	for _, n := range s.Names {
		if len(h.Names) < breakNames && !slices.Contains(h.Names, n) {
			h.Names = append(h.Names, n)
		}
	}
	if until := s.At + s.Plan; h.Open && !h.After && s.Plan > 0 && s.Plan <= longestBreak && until > h.From && until >= h.Alive {
		h.Plan, h.After = until, true
		t.change(h)
	}
}

func (t *turn) reopen(h *heard) {
	t.Past = slices.DeleteFunc(t.Past, func(o *heard) bool { return o == h })
	h.Open, h.After, h.Lapsed = true, false, false
	t.Open = h
	t.change(h)
}

// close ends the open break. One that was over before anything was read, or as it began, was none.
func (t *turn) close(at timeline.Position) {
	o := t.Open
	t.Open = nil
	o.Open, o.After = false, false
	o.Until = min(max(at, o.From), o.From+longestBreak)
	t.change(o)
	if !o.Reported && (o.Until == o.From || !t.Began && o.Until <= t.span.From) {
		t.changed = slices.DeleteFunc(t.changed, func(h *heard) bool { return h == o })
	}
	t.Past = append(t.Past, o)
}

// lasts returns where a break ends that something at position p ends.
func (h *heard) lasts(p timeline.Position) timeline.Position {
	if h.After {
		return min(h.Plan, p)
	}
	return p
}

// expect plans a break to end where its end is announced.
func (t *turn) expect() {
	o := t.Open
	if o == nil {
		return
	}
	for _, s := range t.Coming {
		if s.Kind == signEnd && s.At > o.From && s.At-o.From <= longestBreak && share(o.Names, s.Names) && (!o.After || o.Plan != s.At) {
			o.Plan, o.After = s.At, true
			t.change(o)
		}
	}
}

// lapse ends a break whose time is over.
func (t *turn) lapse() {
	o := t.Open
	if o == nil {
		return
	}
	silent := t.span.From - o.Alive
	switch {
	case o.After && t.span.From >= o.Plan:
		t.close(o.Plan)
	case t.span.From-o.From >= longestBreak:
		t.close(o.From + longestBreak)
	case o.After:
		return
	case silent >= longestOpen:
		t.close(o.Alive + longestOpen)
	case o.Alive > o.From && silent >= longestSilence:
		t.close(o.Alive)
	default:
		return
	}
	o.Lapsed = true
}

// report returns what changed, as it is now.
func (t *turn) report() []timeline.Break {
	var out []timeline.Break
	for _, h := range t.changed {
		if h.Open {
			h.Until = h.From
			if h.After {
				h.Until = h.Plan
			}
		}
		h.Reported = true
		out = append(out, h.Break)
	}
	slices.SortStableFunc(out, func(x, y timeline.Break) int { return cmp.Compare(x.From, y.From) })
	return out
}

func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(n string) bool { return slices.Contains(b, n) })
}

func abs(p timeline.Position) timeline.Position { return max(p, -p) }

// level orders ranks; what has none is a whole break.
func level(r scte35.Rank) scte35.Rank {
	if r == scte35.RankNone {
		return scte35.RankBlock
	}
	return r
}
