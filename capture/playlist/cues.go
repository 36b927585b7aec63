package playlist

import (
	"cmp"
	"strings"
)

// cues collects the advertisement markers before a segment. Packagers write them in dialects: AWS Elemental's CUE-OUT,
// CUE-OUT-CONT and CUE-IN with OATCLS-SCTE35 beside them, Adobe's CUE and CUE-CONT, and SCTE 35 2014's SCTE35.
type cues struct {
	list   []Cue
	splice []byte // a section whose tag does not say what it does
}

// isCue reports whether a tag is one of a dialect.
func isCue(name string) bool {
	switch name {
	case "EXT-X-CUE-OUT", "EXT-X-CUE-OUT-CONT", "EXT-X-CUE-IN", "EXT-X-CUE", "EXT-X-CUE-CONT", "EXT-X-SCTE35",
		"EXT-SCTE35", "EXT-OATCLS-SCTE35", "EXT-X-SPLICEPOINT-SCTE35":
		return true
	}
	return false
}

func (c *cues) tag(name, value string) {
	if name == "EXT-OATCLS-SCTE35" || name == "EXT-X-SPLICEPOINT-SCTE35" {
		c.splice = section(value)
		return
	}
	a := parseAttributes(value)
	cue := Cue{ID: a.fold("ID"), Splice: section(cmp.Or(a.fold("SCTE35"), a.fold("CUE")))}
	cue.Duration, _ = seconds(a.fold("DURATION"))
	cue.Elapsed, _ = seconds(cmp.Or(a.fold("ELAPSED"), a.fold("ElapsedTime"), a.fold("AVAIL-DUR-ELAPSED")))
	switch name {
	case "EXT-X-CUE-OUT":
		cue.Kind = CueOut
		if d, ok := seconds(a.get("")); ok {
			cue.Duration = d
		}
	case "EXT-X-CUE-OUT-CONT", "EXT-X-CUE-CONT":
		cue.Kind = CueContinue
		elapsed, all, _ := strings.Cut(a.get(""), "/")
		if d, ok := seconds(elapsed); ok {
			cue.Elapsed = d
		}
		if d, ok := seconds(all); ok {
			cue.Duration = d
		}
	case "EXT-X-CUE-IN":
		cue.Kind = CueIn
		cue.Duration = 0
	case "EXT-X-CUE":
		cue.Kind = adobeKind(a.fold("TYPE"))
	case "EXT-X-SCTE35", "EXT-SCTE35":
		cue.Kind = scteKind(a)
	}
	if cue.Kind == CueOut && cue.Elapsed > 0 { // the tag of a break that began before the playlist's first segment
		cue.Kind = CueContinue
	}
	c.add(cue)
}

func adobeKind(s string) CueKind {
	switch {
	case strings.EqualFold(s, "SpliceOut"):
		return CueOut
	case strings.EqualFold(s, "SpliceIn"):
		return CueIn
	}
	return 0
}

func scteKind(a attributes) CueKind {
	switch {
	case strings.EqualFold(a.fold("CUE-IN"), "YES"):
		return CueIn
	case strings.EqualFold(a.fold("CUE-OUT"), "YES"):
		return CueOut
	case strings.EqualFold(a.fold("CUE-OUT"), "CONT"):
		return CueContinue
	}
	return 0
}

// add takes in a cue. The section of one that does not say what it does goes to one that does, and two tags that say
// the same make one cue: some packagers write two dialects at once.
func (c *cues) add(cue Cue) {
	if cue.Kind == 0 {
		if cue.Splice != nil {
			c.splice = cue.Splice
		}
		return
	}
	if cue.Splice == nil {
		cue.Splice, c.splice = c.splice, nil
	}
	if n := len(c.list); n > 0 {
		last := &c.list[n-1]
		if last.Kind == cue.Kind && (last.ID == "" || cue.ID == "" || last.ID == cue.ID) {
			last.ID = cmp.Or(last.ID, cue.ID)
			last.Duration, last.Elapsed = max(last.Duration, cue.Duration), max(last.Elapsed, cue.Elapsed)
			if last.Splice == nil {
				last.Splice = cue.Splice
			}
			return
		}
	}
	c.list = append(c.list, cue)
}

// take returns the cues before a segment, and begins those before the next.
func (c *cues) take() []Cue {
	list := c.list
	if n := len(list); n > 0 && list[n-1].Splice == nil {
		list[n-1].Splice = c.splice
	}
	*c = cues{}
	return list
}
