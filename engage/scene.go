package engage

import (
	"hash/maphash"
	"slices"
	"strings"

	"spotter/engage/policy"
	"spotter/timeline"
)

const (
	// slots is how many scenes, and how many sets of arms, are remembered: one for each hash of that many, the last one.
	slots = 256
	// maxRemembered bounds the entities of a scene, and the arms of a set with their targets, that is remembered: all in all to
	// some 5 MB.
	maxRemembered = 256
)

// scene is what is on screen, and the features of it: many viewers see the same.
type scene struct {
	known []*timeline.Known // in the order of the look-up
	sees  []policy.Feature
}

// sees returns the features of what is on screen, in the order of their names and not to be changed: of celebrities first, then
// objects, then what kinds of things these are, as long as there is room.
func (n *names) sees(r *room, look *timeline.Look) []policy.Feature {
	if look == nil {
		return nil
	}
	r.known = r.known[:0]
	hash := uint64(0)
	for _, sightings := range [...][]timeline.Sighting{look.Celebrities, look.Objects} {
		for i := range sightings {
			r.known = append(r.known, sightings[i].Known)
			hash = hash*31 + maphash.Comparable(n.hash, sightings[i].Known)
		}
	}
	slot := &n.scenes[hash%slots]
	if s := slot.Load(); s != nil && slices.Equal(s.known, r.known) {
		return s.sees
	}
	s := &scene{known: slices.Clone(r.known), sees: n.look(look)}
	if len(s.known) <= maxRemembered {
		slot.Store(s)
	}
	return s.sees
}

// look makes the features of what is on screen.
func (n *names) look(look *timeline.Look) []policy.Feature {
	n.mu.RLock()
	defer n.mu.RUnlock()
	var list []policy.Feature
	add := func(name string) {
		if len(list) == maxSeen {
			return
		}
		feature, ok := n.seen[name]
		if !ok {
			feature = n.learn(n.seen, "sees", name)
		}
		if one := (policy.Feature{Name: feature, Value: 1}); !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	for _, s := range look.Celebrities {
		add(s.Name)
	}
	for _, s := range look.Objects {
		add(s.Name)
	}
	for _, s := range look.Objects {
		for _, p := range s.Parents {
			add(p)
		}
	}
	slices.SortFunc(list, func(a, b policy.Feature) int { return strings.Compare(a.Name, b.Name) })
	return list
}
