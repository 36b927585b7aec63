package policy_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/engage/policy"
)

func TestRestoredLearnerGoesOn(t *testing.T) {
	o := policy.Options{Dimensions: 32}
	for name, a := range learners(o) {
		t.Run(name, func(t *testing.T) {
			a.Learn(lessons(1, 123))
			b := learners(o)[name]
			if err := b.UnmarshalBinary(marshal(t, a)); err != nil {
				t.Fatal(err)
			}
			if a.Policy().Version() != b.Policy().Version() {
				t.Error("versions differ after the restart")
			}
			a.Learn(lessons(2, 200))
			b.Learn(lessons(2, 200))
			if !bytes.Equal(marshal(t, a), marshal(t, b)) {
				t.Error("states differ after more lessons")
			}
			c, _ := newWorld(2, 6, 6).next()
			if diff := cmp.Diff(weigh(t, a.Policy(), c), weigh(t, b.Policy(), c)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	o := policy.Options{Dimensions: 16}
	l := policy.NewLinUCB(o)
	l.Learn(lessons(1, 30))
	good := marshal(t, l)
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	other := o
	other.Discount = 0.99
	tests := map[string]struct {
		into policy.Learner
		data []byte
	}{
		"nothing":          {policy.NewLinUCB(o), nil},
		"cut short":        {policy.NewLinUCB(o), good[:len(good)-9]},
		"one bit flipped":  {policy.NewLinUCB(o), flipped},
		"other kind":       {policy.NewThompson(o), good},
		"other dimensions": {policy.NewLinUCB(policy.Options{Dimensions: 32}), good},
		"other discount":   {policy.NewLinUCB(other), good},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.into.Learn(lessons(2, 10))
			before := marshal(t, test.into)
			if err := test.into.UnmarshalBinary(test.data); !errors.Is(err, policy.ErrState) {
				t.Errorf("got %v", err)
			}
			if !bytes.Equal(before, marshal(t, test.into)) {
				t.Error("the learner changed")
			}
		})
	}
}

func marshal(t *testing.T, l policy.Learner) []byte {
	t.Helper()
	b, err := l.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
