package gallery

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"spotter/timeline"
)

// Named is a look at an unknown face that has got a name since.
type Named struct {
	// ID is that of the unknown face.
	ID string
	Sighting
	// Who it is, with the confidence of this look.
	Who timeline.Entity
}

// Named returns the looks that names can name now, the most confident first; nothing is forgotten. It judges as
// Votes does, and as the looks after one are known by now, they count like those before. It returns nil once ctx is done.
func (u *Unknowns) Named(ctx context.Context, names Namer) []Named {
	u.mu.Lock()
	u.expire(time.Now(), mostUnknown)
	faces := slices.Clone(u.faces)
	u.mu.Unlock()
	slices.SortStableFunc(faces, func(a, b unknownFace) int {
		return cmp.Or(cmp.Compare(a.Media, b.Media), cmp.Compare(a.Position, b.Position))
	})
	answers := make([]answer, len(faces))
	some := false
	for i := range faces {
		if ctx.Err() != nil {
			return nil
		}
		a := &answers[i]
		a.who, a.similarity, a.ok = names.Name(faces[i].Embedding)
		some = some || a.ok
	}
	if !some { // as mostly
		return nil
	}
	var list []Named
	for from := 0; from < len(faces); {
		media := faces[from].Media
		until := from + 1
		for until < len(faces) && faces[until].Media == media {
			until++
		}
		list = appendNamed(list, faces[from:until], answers[from:until], u.model.Threshold)
		from = until
	}
	slices.SortStableFunc(list, func(a, b Named) int { return cmp.Compare(b.Who.Confidence, a.Who.Confidence) })
	return list
}

// appendNamed appends the looks of one media, by position, that votes name.
func appendNamed(list []Named, faces []unknownFace, answers []answer, threshold float64) []Named {
	var current answer
	ahead, back := NewVotes(&current, threshold), NewVotes(&current, threshold)
	voted := make([]bool, len(faces))
	for i := range faces {
		current = answers[i]
		_, _, voted[i] = ahead.Name(faces[i].Position, faces[i].Embedding)
	}
	for i := len(faces) - 1; i >= 0; i-- {
		current = answers[i]
		_, _, ok := back.Name(-faces[i].Position, faces[i].Embedding)
		voted[i] = voted[i] || ok
	}
	for i := range faces {
		if voted[i] {
			list = append(list, Named{faces[i].ID, faces[i].sighting(), answers[i].who})
		}
	}
	return list
}

// answer is a Namer that has been asked already.
type answer struct {
	who        timeline.Entity
	similarity float64
	ok         bool
}

// Name implements Namer.
func (a *answer) Name([]float32) (timeline.Entity, float64, bool) { return a.who, a.similarity, a.ok }

// Drop forgets the looks given, whose name has reached what was observed, in memory and file.
func (u *Unknowns) Drop(list []Named) error {
	type key struct {
		id, media string
		position  timeline.Position
		at        int64
	}
	gone := make(map[key]bool, len(list))
	for _, n := range list {
		gone[key{n.ID, n.Media, n.Position, n.At.UnixNano()}] = true
	}
	if len(gone) == 0 {
		return nil
	}
	err := u.exchange(func() error {
		u.drop(func(f *unknownFace) bool { return gone[key{f.ID, f.Media, f.Position, f.At.UnixNano()}] })
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget named faces: %w", err)
	}
	return nil
}

// mostPortraits bounds what one unknown face is enrolled by.
const mostPortraits = 8

// Portraits returns what to enrol an unknown person by: the look that is most like all the others and, as long as some
// look would be a weak match only, the one that is most unlike those chosen; 8 at most. Looks that are not similar to
// the first one are left out: they may be of somebody else.
func (p *Unknown) Portraits(m Model) []Face {
	if len(p.Embeddings) == 0 {
		return nil
	}
	mean := make([]float32, len(p.Embeddings[0]))
	for _, e := range p.Embeddings {
		for i := range min(len(e), len(mean)) {
			mean[i] += e[i]
		}
	}
	first := slices.MaxFunc(p.Embeddings, func(a, b []float32) int { return cmp.Compare(Similarity(a, mean), Similarity(b, mean)) })
	var looks [][]float32
	for _, e := range p.Embeddings {
		if Similarity(e, first) >= m.Threshold {
			looks = append(looks, e)
		}
	}
	likest := make([]float64, len(looks)) // of each look to one of the chosen
	var chosen []Face
	for next := first; len(chosen) < mostPortraits; {
		hash := sha256.Sum256(numbers(next).raw())
		chosen = append(chosen, Face{Model: m.Name, Version: m.Version, Photo: hex.EncodeToString(hash[:]), Embedding: next})
		worst := -1
		for i, e := range looks {
			if likest[i] = max(likest[i], Similarity(e, next)); worst < 0 || likest[i] < likest[worst] {
				worst = i
			}
		}
		if worst < 0 || likest[worst] >= m.Threshold+strongMargin {
			break
		}
		next = looks[worst]
	}
	return chosen
}
