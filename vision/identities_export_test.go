package vision

// The bounds of an Identities.
const (
	MostPeople    = mostPeople
	MostExemplars = mostExemplars
)

// Size returns how many identities are kept, and how many exemplars of the one that has most.
func (m *Identities) Size() (people, exemplars int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.people {
		exemplars = max(exemplars, len(p.exemplars))
	}
	return len(m.people), exemplars
}
