package gallery

import (
	"slices"

	"spotter/timeline"
)

// Namer says who a face is by a single look at it, as Gallery.Name does.
type Namer interface {
	Name(embedding []float32) (who timeline.Entity, similarity float64, ok bool)
}

const (
	// strongMargin is how far above the model's threshold a single look is enough. On the kit's clip the looks at
	// the one person who is enrolled reach 0.64 and those at everyone else end at 0.27, with a threshold of 0.40; a
	// chance match is weak.
	strongMargin = 0.10
	// voteWindow is how far back looks count.
	voteWindow = timeline.Position(5000)
	// Of the last voteLooks looks at a face, the present one among them, votesNeeded must have the same answer.
	voteLooks, votesNeeded = 3, 2
	// mostTracks bounds the faces that are followed at a time; the one seen longest ago is given up.
	mostTracks = 64
)

// Votes names the faces of one stream by several looks: a strong match at once, a weak one where a neighbouring look at
// the same face had the same answer, and a look that matches nobody never, whatever its neighbours say. Looks are
// those at one face where their embeddings match each other. It is for one goroutine.
type Votes struct {
	names     Namer
	threshold float64
	tracks    []track
}

// track is one face in the last few seconds.
type track struct {
	last  []float32
	looks []look // the newest last, voteLooks at most
}

type look struct {
	at  timeline.Position
	who string // id or name; empty for nobody
}

// NewVotes returns votes on what names answers, whose model takes faces for one person from threshold on.
func NewVotes(names Namer, threshold float64) *Votes {
	return &Votes{names: names, threshold: threshold}
}

// Name returns who the face is that was seen at a position, as Namer does with the votes of the looks before. It is to
// be asked once for each face of a picture, pictures in the order of their positions; after a step back only what is
// seen from then on counts.
func (v *Votes) Name(at timeline.Position, embedding []float32) (timeline.Entity, float64, bool) {
	who, similarity, ok := v.names.Name(embedding)
	now := look{at: at}
	if ok {
		now.who = who.ID
		if now.who == "" {
			now.who = who.Name
		}
	}
	t := v.track(at, embedding)
	t.last = append(t.last[:0], embedding...)
	if t.looks = append(t.looks, now); len(t.looks) > voteLooks {
		t.looks = slices.Delete(t.looks, 0, len(t.looks)-voteLooks)
	}
	if !ok || similarity < v.threshold+strongMargin && t.votes(now.who) < votesNeeded {
		return timeline.Entity{}, similarity, false
	}
	return who, similarity, true
}

// votes counts the looks that had an answer.
func (t *track) votes(who string) (n int) {
	for _, l := range t.looks {
		if l.who == who {
			n++
		}
	}
	return n
}

// track returns the track of a face: the most similar of those seen lately, but not one that this picture showed, or a
// new one.
func (v *Votes) track(at timeline.Position, embedding []float32) *track {
	stale := func(l look) bool { return l.at > at || at-l.at > voteWindow }
	best, most := -1, v.threshold
	for i := range v.tracks {
		t := &v.tracks[i]
		t.looks = slices.DeleteFunc(t.looks, stale)
		if n := len(t.looks); n == 0 || t.looks[n-1].at == at {
			continue
		}
		if s := Similarity(t.last, embedding); s >= most {
			best, most = i, s
		}
	}
	if best >= 0 {
		return &v.tracks[best]
	}
	v.tracks = slices.DeleteFunc(v.tracks, func(t track) bool { return len(t.looks) == 0 })
	if len(v.tracks) == mostTracks {
		v.tracks = slices.Delete(v.tracks, 0, 1)
	}
	v.tracks = append(v.tracks, track{})
	return &v.tracks[len(v.tracks)-1]
}
