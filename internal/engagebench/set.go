package engagebench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"

	"spotter/engage/policy"
)

// Set is a classification set that is played as a bandit problem (Beygelzimer and Langford 2009, arXiv:0812.4044): a row's
// features are the context, the classes are the arms, and only the row's own class pays.
type Set struct {
	Name    string
	Classes int
	Passes  int // how often a run goes through the rows

	cases  []*policy.Case
	labels []int
}

// NewSet makes a set of rows of features and a class, counted from 0, each.
func NewSet(name string, classes, passes int, x [][]float64, y []int) *Set {
	s := &Set{Name: name, Classes: classes, Passes: passes, labels: y}
	arms := make([]policy.Arm, classes)
	for k := range arms {
		arms[k] = policy.Arm{Instrument: "class-" + strconv.Itoa(k)}
	}
	for _, row := range x {
		c := &policy.Case{Arms: arms}
		for i, v := range row {
			if v != 0 {
				c.Context = append(c.Context, policy.Feature{Name: "x" + strconv.Itoa(i), Value: v})
			}
		}
		s.cases = append(s.cases, c)
	}
	return s
}

// ReadSet reads a set as testdata/datasets.py writes it.
func ReadSet(r io.Reader) (*Set, error) {
	d := json.NewDecoder(r)
	var head struct {
		Name            string
		Classes, Passes int
	}
	if err := d.Decode(&head); err != nil {
		return nil, fmt.Errorf("read set: %w", err)
	}
	var x [][]float64
	var y []int
	for {
		var row struct {
			X []float64
			Y int
		}
		if err := d.Decode(&row); errors.Is(err, io.EOF) {
			return NewSet(head.Name, head.Classes, head.Passes, x, y), nil
		} else if err != nil {
			return nil, fmt.Errorf("read row %d of set %q: %w", len(y), head.Name, err)
		}
		x, y = append(x, row.X), append(y, row.Y)
	}
}

// Order returns the rows of a run in the order in which they come: every pass is shuffled anew.
func (s *Set) Order(seed uint64) []int {
	r := rand.New(rand.NewPCG(seed, 0))
	var order []int
	for range s.Passes {
		order = append(order, r.Perm(len(s.labels))...)
	}
	return order
}

// BestFixed returns what the class that pays most often pays in a run.
func (s *Set) BestFixed() float64 {
	counts := make([]int, s.Classes)
	best := 0
	for _, y := range s.labels {
		counts[y]++
		best = max(best, counts[y])
	}
	return float64(best * s.Passes)
}
