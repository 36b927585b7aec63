package policy_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/engage/policy"
)

func learners(o policy.Options) map[string]policy.Learner {
	return map[string]policy.Learner{"LinUCB": policy.NewLinUCB(o), "Thompson": policy.NewThompson(o)}
}

func weigh(t *testing.T, p policy.Policy, c *policy.Case) []float64 {
	t.Helper()
	weights := make([]float64, len(c.Arms))
	if err := p.Weigh(c, weights); err != nil {
		t.Fatalf("weigh: %v", err)
	}
	var sum float64
	for i, w := range weights {
		if !(w >= 0 && w <= 1) {
			t.Fatalf("arm %d has probability %v", i, w)
		}
		sum += w
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Fatalf("probabilities %v add up to %v", weights, sum)
	}
	return weights
}

// world pays each of some arms with a probability that is linear in a context of numbers and a group.
type world struct {
	r       *rand.Rand
	arms    []policy.Arm
	slopes  [][]float64
	numbers int
}

func newWorld(seed uint64, arms, numbers int) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 1)), numbers: numbers}
	for i := range arms {
		w.arms = append(w.arms, policy.Arm{
			Instrument: fmt.Sprintf("arm%d", i),
			Features:   []policy.Feature{{Name: fmt.Sprintf("type=%d", i%3), Value: 1}},
		})
		slopes := make([]float64, numbers)
		for j := range slopes {
			slopes[j] = w.r.NormFloat64() / math.Sqrt(float64(numbers))
		}
		w.slopes = append(w.slopes, slopes)
	}
	return w
}

// next returns a case and what each arm pays on average.
func (w *world) next() (*policy.Case, []float64) {
	c := &policy.Case{Arms: w.arms}
	pays := make([]float64, len(w.arms))
	for i := range pays {
		pays[i] = 0.4
	}
	for j := range w.numbers {
		v := w.r.Float64()*2 - 1
		c.Context = append(c.Context, policy.Feature{Name: fmt.Sprintf("n%d", j), Value: v})
		for i := range pays {
			pays[i] += 0.6 * v * w.slopes[i][j]
		}
	}
	for i := range pays {
		pays[i] = min(max(pays[i], 0), 1)
	}
	return c, pays
}

// play lets a learner choose and learn, with new policies now and then and rewards that come as many decisions late, and
// returns the mean share of the best arm's reward that it got over the last half.
func (w *world) play(t *testing.T, l policy.Learner, decisions, late int) float64 {
	t.Helper()
	var got, best float64
	var open []policy.Lesson
	p := l.Policy()
	for n := range decisions {
		if n%10 == 0 {
			p = l.Policy()
		}
		c, pays := w.next()
		choice := policy.Draw(weigh(t, p, c), 7, uint64(n))
		lesson := []policy.Lesson{{Case: c, Choice: choice, Open: true, Guess: late > 1}}
		l.Learn(lesson)
		earned := 0.0
		if w.r.Float64() < pays[choice] {
			earned = 1
		}
		stood := lesson[0].Reward
		open = append(open, policy.Lesson{Case: c, Choice: choice, Late: true, Settled: true, Reward: earned - stood, Earned: earned, Expected: lesson[0].Expected})
		if len(open) > late {
			l.Learn(open[:1])
			open = open[1:]
		}
		if n >= decisions/2 {
			top := 0.0
			for _, v := range pays {
				top = max(top, v)
			}
			got, best = got+pays[choice], best+top
		}
	}
	return got / best
}

func TestLearnersBeatUniform(t *testing.T) {
	for name, l := range learners(policy.Options{}) {
		t.Run(name, func(t *testing.T) {
			if share := newWorld(1, 6, 8).play(t, l, 1500, 1); share < 0.85 {
				t.Errorf("got %.3f of the best arm's reward", share)
			}
		})
	}
	for name, l := range learners(policy.Options{}) {
		t.Run(name+" of a crowd, whose rewards come late", func(t *testing.T) {
			if share := newWorld(1, 6, 8).play(t, l, 4000, 1000); share < 0.85 {
				t.Errorf("got %.3f of the best arm's reward", share)
			}
		})
	}
	t.Run("uniform", func(t *testing.T) {
		w := newWorld(1, 6, 8)
		if share := w.play(t, fixed{policy.Uniform()}, 1500, 1); share > 0.7 {
			t.Errorf("the world is too easy: uniform got %.3f", share)
		}
	})
}

// fixed is a learner that learns nothing.
type fixed struct{ p policy.Policy }

func (f fixed) Learn([]policy.Lesson)          {}
func (f fixed) Policy() policy.Policy          { return f.p }
func (f fixed) MarshalBinary() ([]byte, error) { return nil, nil }
func (f fixed) UnmarshalBinary([]byte) error   { return nil }

// lessons are some of a world's, each arm chosen in turn.
func lessons(seed uint64, n int) []policy.Lesson {
	w := newWorld(seed, 5, 6)
	var out []policy.Lesson
	for i := range n {
		c, pays := w.next()
		out = append(out, policy.Lesson{Case: c, Choice: i % 5})
		if w.r.Float64() < pays[i%5] {
			out = append(out, policy.Lesson{Case: c, Choice: i % 5, Reward: 1, Late: true})
		}
	}
	return out
}

func TestSnapshotsDoNotChange(t *testing.T) {
	for name, l := range learners(policy.Options{Dimensions: 16}) {
		t.Run(name, func(t *testing.T) {
			l.Learn(lessons(1, 40))
			c, _ := newWorld(2, 6, 6).next()
			p := l.Policy()
			before, version := weigh(t, p, c), p.Version()
			l.Learn(lessons(3, 100))
			if diff := cmp.Diff(before, weigh(t, p, c)); diff != "" || p.Version() != version {
				t.Errorf("snapshot changed (%s, %s): %s", version, p.Version(), diff)
			}
			if l.Policy().Version() == version {
				t.Errorf("version %s did not change with what was learned", version)
			}
		})
	}
}

func TestSameLessonsSamePolicy(t *testing.T) {
	for name, a := range learners(policy.Options{MaxBytes: 20_000, Dimensions: 16}) {
		t.Run(name, func(t *testing.T) {
			b := learners(policy.Options{MaxBytes: 20_000, Dimensions: 16})[name]
			a.Learn(lessons(1, 300))
			for _, lesson := range lessons(1, 300) {
				b.Learn([]policy.Lesson{lesson})
				b.Policy()
			}
			if a.Policy().Version() != b.Policy().Version() {
				t.Error("versions differ")
			}
			for seed := range uint64(20) {
				c, _ := newWorld(seed, 6, 6).next()
				if diff := cmp.Diff(weigh(t, a.Policy(), c), weigh(t, b.Policy(), c)); diff != "" {
					t.Fatal(diff)
				}
			}
		})
	}
}

func TestConcurrentWeigh(t *testing.T) {
	l := policy.NewThompson(policy.Options{})
	l.Learn(lessons(1, 50))
	p := l.Policy()
	c, _ := newWorld(2, 6, 6).next()
	want := weigh(t, p, c)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got := make([]float64, len(c.Arms))
			for range 200 {
				if err := p.Weigh(c, got); err != nil || !cmp.Equal(want, got) {
					t.Errorf("got %v, %v, want %v", got, err, want)
					return
				}
			}
		})
	}
	for range 20 {
		l.Learn(lessons(3, 20))
		l.Policy()
	}
	wg.Wait()
}

func TestForgetsOldestArms(t *testing.T) {
	arm := func(i int) *policy.Case {
		return &policy.Case{Arms: []policy.Arm{{Instrument: fmt.Sprint("arm", i)}}}
	}
	// Room for four arms of 16 dimensions.
	l := policy.NewLinUCB(policy.Options{Dimensions: 16, MaxBytes: 4 * 4200})
	for i := range 10 {
		l.Learn([]policy.Lesson{{Case: arm(i), Reward: 1}})
		l.Learn([]policy.Lesson{{Case: arm(0), Reward: 1}})
	}
	if diff := cmp.Diff([]string{"arm0", "arm7", "arm8", "arm9"}, policy.Known(l)); diff != "" {
		t.Error(diff)
	}
	l.Learn([]policy.Lesson{{Case: arm(3), Reward: 1, Late: true}})
	if len(policy.Known(l)) != 4 {
		t.Error("a late reward brought a forgotten arm back")
	}
}
