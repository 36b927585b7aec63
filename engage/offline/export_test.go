package offline

// EstimatedRewards returns what the reward model expects of each arm of each sample, as Compare uses it.
func EstimatedRewards(samples Samples) ([][]float64, error) {
	m, err := fitted(samples)
	if err != nil {
		return nil, err
	}
	var all [][]float64
	for s, err := range samples {
		if err != nil {
			return nil, err
		}
		q := make([]float64, len(s.Case.Arms))
		m.predict(s.Case, block(s)%folds, q)
		all = append(all, q)
	}
	return all, nil
}
