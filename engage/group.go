package engage

import (
	"slices"

	"spotter/engage/policy"
)

// group is some arms, and how they are described to a policy: viewers of the same scene mostly have the same.
type group struct {
	indices []int
	targets [][]uint32
	arms    []policy.Arm
	size    int // arms and targets
}

// describe returns the arms of a case, which are not to be changed.
func (s *set) describe(list []arm) []policy.Arm {
	hash := uint64(0)
	for i := range list {
		hash = hash*31 + uint64(list[i].index)
		for _, t := range list[i].targets {
			hash = hash*31 + uint64(t)
		}
	}
	slot := &s.groups[hash%slots]
	if g := slot.Load(); g != nil && g.is(list) {
		return g.arms
	}
	g := s.group(list)
	if g.size <= maxRemembered {
		slot.Store(g)
	}
	return g.arms
}

// is reports whether the group is that of these arms.
func (g *group) is(list []arm) bool {
	if len(g.arms) != len(list) {
		return false
	}
	for i := range list {
		if g.indices[i] != list[i].index || !slices.Equal(g.targets[i], list[i].targets) {
			return false
		}
	}
	return true
}

// group describes arms: features that never change are shared, those of arms with targets on screen are in one piece of memory.
func (s *set) group(list []arm) *group {
	n, seen := 0, 0
	for i := range list {
		if len(list[i].targets) > 0 {
			n += len(list[i].plain) + len(list[i].targets)
			seen += len(list[i].targets)
		}
	}
	g := &group{
		indices: make([]int, len(list)), targets: make([][]uint32, len(list)), arms: make([]policy.Arm, len(list)),
		size: len(list) + seen,
	}
	features, targets := make([]policy.Feature, 0, n), make([]uint32, 0, seen)
	for i, a := range list {
		g.indices[i] = a.index
		g.arms[i] = policy.Arm{Instrument: a.ID, Features: slices.Clip(a.plain)}
		if len(a.targets) == 0 {
			continue
		}
		from, first := len(features), len(targets)
		features = append(features, a.plain...)
		for _, t := range a.targets {
			features = append(features, s.targets[t])
		}
		targets = append(targets, a.targets...)
		g.arms[i].Features = features[from:len(features):len(features)]
		g.targets[i] = targets[first:len(targets):len(targets)]
	}
	return g
}
