package main

import (
	"context"

	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/local/gallery"
)

// looking is what looks at every sampled picture of one stream, and names the faces of people in the gallery by several
// looks at them.
type looking struct {
	vision.Looker
	votes *gallery.Votes // nil where nobody can be named
}

// newLooker returns what looks at a stream's pictures, or nil where there are no models.
func (p *pipeline) newLooker() vision.Looker {
	if p.looker == nil {
		return nil
	}
	l := &looking{Looker: p.looker}
	if p.gallery != nil {
		l.votes = gallery.NewVotes(p.gallery, p.threshold)
	}
	return l
}

// newIdentities returns the memory of one event's faces, or nil where no faces are found.
func (r *recognizers) newIdentities() *vision.Identities {
	if !r.findsFaces {
		return nil
	}
	return vision.NewIdentities(r.threshold)
}

// See implements vision.Looker.
func (l *looking) See(ctx context.Context, p vision.Picture) (vision.Sight, error) {
	s, err := l.Looker.See(ctx, p)
	if err != nil || l.votes == nil {
		return s, err
	}
	for i := range s.Faces {
		f := &s.Faces[i]
		if f.Embedding == nil {
			continue
		}
		if who, _, ok := l.votes.Name(p.At, f.Embedding); ok {
			f.Who = who
		}
	}
	return s, nil
}

// strangers keeps the faces in a picture that neither the gallery nor the cloud can name, if they are to be kept.
func (a *asking) strangers(v vision.Verdict) {
	if v.Sight == nil || a.gallery == nil || a.binding == nil {
		return
	}
	for _, f := range v.Sight.Faces {
		if f.Embedding == nil || f.Who.Name != "" {
			continue
		}
		_, _, weak := a.gallery.Name(f.Embedding)
		var known []timeline.Entity
		if a.faces != nil {
			known, _ = a.faces.Known([]vision.Face{f})
		}
		if !weak && len(known) == 0 {
			a.binding.sees(a.media.ID, v.At, f.Embedding)
		}
	}
}
