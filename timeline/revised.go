package timeline

// Revised returns the observations of t that end at or before a position, and stand in another, earlier snapshot with a lower
// revision, by From; before may be nil. Between two snapshots of one store that takes as long as what differs is large.
func (t *Timeline) Revised(before *Timeline, end Position) (list []*Observation) {
	if before == nil {
		return nil
	}
	for i, j := 0, 0; i < len(t.index); i++ {
		b := t.index[i].block
		for j < len(before.index) && before.index[j].from < t.index[i].from {
			j++
		}
		if j < len(before.index) && before.index[j].block == b {
			continue
		}
		for n, o := range b.observations {
			if b.scenes[n].Until > end {
				continue
			}
			if old := before.At(o.From); old != nil && old.Revision < o.Revision {
				list = append(list, o)
			}
		}
	}
	return list
}
