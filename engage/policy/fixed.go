package policy

// Priority returns the policy that always chooses the first arm, the one of the highest priority.
func Priority() Policy { return priority{} }

// Uniform returns the policy that chooses every arm alike.
func Uniform() Policy { return uniform{} }

type priority struct{}

func (priority) Version() string { return "priority" }

func (priority) Weigh(c *Case, p []float64) error {
	if err := check(c, p); err != nil {
		return err
	}
	clear(p)
	p[0] = 1
	return nil
}

type uniform struct{}

func (uniform) Version() string { return "uniform" }

func (uniform) Weigh(c *Case, p []float64) error {
	if err := check(c, p); err != nil {
		return err
	}
	for i := range p {
		p[i] = 1 / float64(len(p))
	}
	return nil
}
