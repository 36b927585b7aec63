package gatebench_test

import (
	"context"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/gatebench"
	"spotter/timeline"
)

// reference has one object a second, by its letter; a dot is nothing. answers is what is seen when asked.
func reference(due, answers string) *gatebench.Reference {
	r := &gatebench.Reference{}
	for i := range due {
		r.Due = append(r.Due, letter(due[i]))
		r.Answers = append(r.Answers, letter(answers[i]))
	}
	return r
}

func letter(c byte) (a gatebench.Answer) {
	if c != '.' {
		a.Objects = []string{string(c)}
	}
	return a
}

// stream has n frames, one a second, at 25 pictures a second.
func stream(n int) *gatebench.Stream {
	s := &gatebench.Stream{Rate: 25, Pictures: 25 * n, Frames: make([]gatebench.Frame, n)}
	for i := range s.Frames {
		s.Frames[i].At = timeline.Position(1000 * i)
	}
	return s
}

func TestEvery(t *testing.T) {
	tests := []struct {
		name         string
		every        gatebench.Every
		due, answers string
		want         gatebench.Score
	}{
		{"dense", 1, "aabb.", "aabb.", gatebench.Score{Frames: 5, Calls: 10, Due: 4, Told: 4, Right: 4}},
		{"the seed holds an answer for four seconds", 4, "aabbb", "aabbb", gatebench.Score{Frames: 5, Calls: 4, Due: 5, Told: 5, Right: 3}},
		{"it tells what has gone", 4, "aa...", "aa...", gatebench.Score{Frames: 5, Calls: 4, Due: 2, Told: 4, Right: 2}},
		{"a flash hides what is due", 1, "aaa", "a.a", gatebench.Score{Frames: 3, Calls: 6, Due: 3, Told: 2, Right: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := reference(tt.due, tt.answers)
			told, calls, err := gatebench.Chosen{tt.every}.Tell(t.Context(), stream(len(tt.due)), r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := gatebench.Judge(r, told, calls)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// choice is a chooser that always says the same.
type choice struct{ gatebench.Choice }

func (choice) Name() string { return "choice" }

func (c choice) Choose(_ context.Context, s *gatebench.Stream) ([]gatebench.Choice, int, error) {
	list := make([]gatebench.Choice, len(s.Frames))
	for i := range list {
		list[i] = c.Choice
	}
	return list, 0, nil
}

func TestChosenRefusesFramesThatAreNotThere(t *testing.T) {
	for _, n := range []int{-2, 3} {
		_, _, err := gatebench.Chosen{choice{gatebench.Choice{Celebrities: 0, Objects: n}}}.Tell(t.Context(), stream(3), reference("aaa", "aaa"))
		if err == nil {
			t.Errorf("frame %d of 3 was taken", n)
		}
	}
	told, _, err := gatebench.Chosen{choice{gatebench.Choice{gatebench.Nobody, gatebench.Nobody}}}.Tell(t.Context(), stream(1), reference("a", "a"))
	if err != nil || len(told[0].Objects) != 0 {
		t.Errorf("nobody was asked, but told %v, %v", told, err)
	}
}

func TestScore(t *testing.T) {
	s := gatebench.Score{Frames: 60, Calls: 12, Due: 100, Told: 80, Right: 60}
	s = s.Plus(gatebench.Score{Frames: 40, Calls: 8, Due: 100, Told: 120, Right: 90})
	for _, x := range []struct {
		name      string
		got, want float64
	}{
		{"recall", s.Recall(), 0.75},
		{"precision", s.Precision(), 0.75},
		{"cost", s.Cost(), 0.1},
		{"saved against 1 fps", s.Saved(1), 0.9},
		{"saved against 1/4 fps", s.Saved(4), 0.6},
		{"recall of nothing", gatebench.Score{}.Recall(), 1},
	} {
		if math.Abs(x.got-x.want) > 1e-9 {
			t.Errorf("%s is %g, want %g", x.name, x.got, x.want)
		}
	}
}

func TestMiddles(t *testing.T) {
	tests := []struct {
		name   string
		cuts   []int
		asked  []int
		scenes int
	}{
		{"one shot is asked again after 30 s", nil, []int{15, 35}, 2},
		{"two shots", []int{250}, []int{5, 25}, 2},
		{"a shot between two frames costs its call", []int{251, 260}, []int{5, 25}, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked, scenes := gatebench.Middles(stream(40), tt.cuts)
			if diff := cmp.Diff(tt.asked, asked); diff != "" || scenes != tt.scenes {
				t.Errorf("%d scenes, want %d; (-want +got):\n%s", scenes, tt.scenes, diff)
			}
		})
	}
}
