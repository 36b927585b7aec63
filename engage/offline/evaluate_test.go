package offline_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/engage/offline"
	"spotter/engage/policy"
)

func evaluate(t *testing.T, samples []*offline.Sample, target policy.Policy, o offline.Options) *offline.Report {
	t.Helper()
	r, err := offline.Evaluate(offline.Of(samples), target, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Errorf("the report is no JSON: %v", err)
	}
	return r
}

// always logs the first arm with the given probability, which is then certain or nearly so.
func always(w *world, first float64) *world {
	for i, p := range w.logging {
		for a := range p {
			p[a] = (1 - first) / float64(len(p)-1)
		}
		w.logging[i][0] = first
	}
	return w
}

func TestVerdict(t *testing.T) {
	fair := newWorld(1, 0, 1)
	liar := fair.log(1, 3000, 0)
	for _, s := range liar {
		s.Propensity /= 2
	}
	unrewarded := fair.log(1, 3000, 0)
	for _, s := range unrewarded {
		s.Reward = 0
	}
	for _, c := range []struct {
		name    string
		samples []*offline.Sample
		target  policy.Policy
		want    offline.Verdict
		reason  string
	}{
		{"better", fair.log(1, 3000, 0), sharp{fair, 12, 0}, offline.Better, "more for each decision"},
		{"worse", fair.log(1, 3000, 0), sharp{fair, -12, 0}, offline.Worse, "less for each decision"},
		{"the same", fair.log(1, 3000, 0), policy.Uniform(), offline.CannotTell, "spans 0"},
		{"one viewer", fair.log(1, 3000, 1), sharp{fair, 12, 0}, offline.CannotTell, "worth those of 1 viewers"},
		{"one viewer and a few others", append(fair.log(1, 3000, 1), fair.log(2, 10, 0)...), sharp{fair, 12, 0}, offline.CannotTell, "worth those of 1 viewers"},
		{"few decisions", fair.log(1, 60, 0), sharp{fair, 12, 0}, offline.CannotTell, "effective sample size"},
		{"a log without exploration", always(newWorld(1, 0, 1), 1).log(1, 3000, 0), policy.Uniform(), offline.CannotTell, "never chose"},
		{"an instrument never seen", always(newWorld(1, 0, 1), 1-1e-9).log(1, 3000, 0), offline.Fixed("offer"), offline.CannotTell, "never chose"},
		{"false propensities", liar, policy.Uniform(), offline.CannotTell, "propensities that are true"},
		{"no reward at all", unrewarded, policy.Priority(), offline.CannotTell, "spans 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := evaluate(t, c.samples, c.target, offline.Options{Resamples: 500})
			if r.Verdict != c.want || !strings.Contains(r.Reason, c.reason) {
				t.Errorf("%s: %s\n%+v", r.Verdict, r.Reason, r)
			}
			for name, e := range map[string]offline.Estimate{"logged": r.Logged, "IPS": r.IPS, "SNIPS": r.SNIPS, "DR": r.DR} {
				if !(e.Low >= 0 && e.Low <= e.High && e.High <= 1) {
					t.Errorf("%s: %v", name, e)
				}
			}
		})
	}
}

func TestReportOfTheLoggedPolicy(t *testing.T) {
	w := always(newWorld(1, 0, 1), 1)
	r := evaluate(t, w.log(2, 2000, 50), policy.Priority(), offline.Options{})
	if d := math.Abs(r.IPS.Value-r.Logged.Value) + math.Abs(r.SNIPS.Value-r.Logged.Value) + math.Abs(r.DR.Value-r.Logged.Value); d > 1e-9 {
		t.Errorf("a policy judged on its own log: %+v", r)
	}
	if math.Abs(r.Effective-2000) > 1e-6 || r.Unsupported != 0 || r.Decisions != 2000 || r.Confidence != 0.95 {
		t.Errorf("%+v", r)
	}
}

func TestEvaluateIsRepeatable(t *testing.T) {
	w := newWorld(4, 2, 0.3)
	samples := w.log(9, 1000, 100)
	o := offline.Options{Resamples: 200, Seed: 5}
	first := evaluate(t, samples, policy.Uniform(), o)
	if diff := cmp.Diff(first, evaluate(t, samples, policy.Uniform(), o)); diff != "" {
		t.Error(diff)
	}
	o.Seed++
	if cmp.Equal(first, evaluate(t, samples, policy.Uniform(), o)) {
		t.Error("another seed gives the same intervals")
	}
}

func TestClip(t *testing.T) {
	w := newWorld(4, 10, 0.05)
	samples := w.log(9, 2000, 0)
	full := evaluate(t, samples, policy.Uniform(), offline.Options{})
	cut := evaluate(t, samples, policy.Uniform(), offline.Options{Clip: 3})
	if full.Clipped != 0 || cut.Clipped == 0 || cut.Effective <= full.Effective || cut.IPS.Value >= full.IPS.Value {
		t.Errorf("clipped %d of %d weights: effective %.0f and %.0f, IPS %v and %v",
			cut.Clipped, cut.Decisions, full.Effective, cut.Effective, full.IPS, cut.IPS)
	}
}

// broken gives probabilities that are none.
type broken struct{ p float64 }

func (broken) Version() string { return "broken" }

func (b broken) Weigh(_ *policy.Case, p []float64) error {
	for i := range p {
		p[i] = b.p
	}
	if b.p == 0 {
		return errors.New("no model")
	}
	return nil
}

func TestEvaluateRefuses(t *testing.T) {
	w := newWorld(1, 0, 1)
	spoilt := func(spoil func(*offline.Sample)) []*offline.Sample {
		samples := w.log(1, 10, 0)
		spoil(samples[4])
		return samples
	}
	for _, c := range []struct {
		name    string
		samples []*offline.Sample
		target  policy.Policy
		o       offline.Options
		want    string
	}{
		{"no decisions", nil, policy.Uniform(), offline.Options{}, offline.ErrNoDecisions.Error()},
		{"choice", spoilt(func(s *offline.Sample) { s.Choice = 9 }), policy.Uniform(), offline.Options{}, "decision 5: choice 9"},
		{"propensity", spoilt(func(s *offline.Sample) { s.Propensity = 0 }), policy.Uniform(), offline.Options{}, "decision 5: a propensity of 0"},
		{"reward", spoilt(func(s *offline.Sample) { s.Reward = math.NaN() }), policy.Uniform(), offline.Options{}, "decision 5: a reward of NaN"},
		{"target fails", w.log(1, 10, 0), broken{}, offline.Options{}, "broken on decision 1: no model"},
		{"target is no number", w.log(1, 10, 0), broken{math.NaN()}, offline.Options{}, "broken on decision 1: NaN"},
		{"target adds up to more", w.log(1, 10, 0), broken{0.9}, offline.Options{}, "add up to"},
		{"clip", w.log(1, 10, 0), policy.Uniform(), offline.Options{Clip: -1}, "clip -1"},
		{"no clip", w.log(1, 10, 0), policy.Uniform(), offline.Options{Clip: math.NaN()}, "clip NaN"},
		{"confidence", w.log(1, 10, 0), policy.Uniform(), offline.Options{Confidence: 95}, "confidence 95"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := offline.Evaluate(offline.Of(c.samples), c.target, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRank(t *testing.T) {
	w := newWorld(6, 1, 0.5)
	samples := w.log(3, 20_000, 0)
	ids, err := offline.Rank(offline.Of(samples))
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) != len(instruments) {
		t.Fatalf("%v of %v", ids, instruments)
	}
	last := math.Inf(1)
	for _, id := range ids {
		r := evaluate(t, samples, offline.Fixed(id), offline.Options{Resamples: 100})
		if r.SNIPS.Value > last+1e-9 {
			t.Errorf("%s is worth %v, more than one before", id, r.SNIPS)
		}
		last = r.SNIPS.Value
		if truth := w.value(offline.Fixed(id)); math.Abs(truth-r.DR.Value) > 0.05 {
			t.Errorf("%s: %v, but the truth is %.4f", id, r.DR, truth)
		}
	}
}

func TestSplit(t *testing.T) {
	samples := newWorld(1, 0, 1).log(1, 10, 0)
	for _, c := range []struct {
		share float64
		first int
	}{{0, 0}, {0.5, 5}, {0.99, 9}, {1, 10}} {
		first, rest, err := offline.Split(offline.Of(samples), c.share)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := summary(first)
		b, _ := summary(rest)
		all, _ := summary(offline.Of(samples))
		if diff := cmp.Diff(all, append(a, b...)); len(a) != c.first || diff != "" {
			t.Errorf("%v: %d in the first part\n%s", c.share, len(a), diff)
		}
	}
	if _, _, err := offline.Split(offline.Of(samples), 1.5); err == nil {
		t.Error("a share of 1.5 is taken")
	}
}

// recorder is a learner that remembers what it was taught.
type recorder struct {
	policy.Learner
	lessons []policy.Lesson
}

func (r *recorder) Learn(lessons []policy.Lesson) { r.lessons = append(r.lessons, lessons...) }

func TestTrain(t *testing.T) {
	samples := newWorld(1, 0, 1).log(1, 1000, 0)
	first, _, err := offline.Split(offline.Of(samples), 0.7)
	if err != nil {
		t.Fatal(err)
	}
	var l recorder
	if err := offline.Train(first, &l); err != nil {
		t.Fatal(err)
	}
	if len(l.lessons) != 700 {
		t.Fatalf("%d lessons", len(l.lessons))
	}
	for i, s := range samples[:700] {
		if got := l.lessons[i]; got.Case != s.Case || got.Choice != s.Choice || got.Reward != s.Reward || got.Late {
			t.Fatalf("lesson %d is %+v", i, got)
		}
	}
}

func TestLearnerIsJudgedOnTheRest(t *testing.T) {
	w := newWorld(8, 0, 1)
	first, rest, err := offline.Split(offline.Of(w.log(1, 6000, 0)), 0.5)
	if err != nil {
		t.Fatal(err)
	}
	l := policy.NewLinUCB(policy.Options{})
	if err := offline.Train(first, l); err != nil {
		t.Fatal(err)
	}
	learned := l.Policy()
	reports, err := offline.Compare(rest, []policy.Policy{policy.Uniform(), policy.Priority(), learned}, offline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, truth := reports[2], w.value(learned)
	if r.Verdict != offline.Better || r.DR.Low > truth || r.DR.High < truth {
		t.Errorf("%s: %s; the truth is %.4f, the estimate %v", r.Verdict, r.Reason, truth, r.DR)
	}
	var table bytes.Buffer
	if err := offline.WriteReports(&table, reports); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", &table)
	for _, word := range []string{"3000 decisions", "uniform", "priority", learned.Version(), "better", r.Reason} {
		if !strings.Contains(table.String(), word) {
			t.Errorf("the table lacks %q", word)
		}
	}
}
