package gatebench_test

import (
	"image"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/gatebench"
)

// grey fills the picture with one level.
type grey uint8

func (g grey) Draw(to *image.RGBA, _, _ int) error {
	for i := range to.Pix {
		to.Pix[i] = uint8(g)
	}
	return nil
}

func person(name string) gatebench.Answer { return gatebench.Answer{Celebrities: []string{name}} }

// levels keeps the first pixel of every picture.
type levels struct{ list []int }

func (l *levels) Write(b []byte) (int, error) {
	const picture = 960 * 540 * 4
	for at := 0; at < len(b); at += picture {
		l.list = append(l.list, int(b[at]))
	}
	return len(b), nil
}

func TestRecipeMixes(t *testing.T) {
	r := gatebench.Recipe{Shots: []gatebench.Shot{
		{Source: grey(0), Pictures: 3},
		{Source: grey(100), Pictures: 4, Mix: 3},
		{Source: grey(200), Pictures: 2},
	}}
	var got levels
	if err := r.Render(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 0, 0, 25, 50, 75, 100, 200, 200}, got.list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]gatebench.Transition{{3, 5}, {7, 7}}, r.Cuts()); diff != "" {
		t.Errorf("cuts (-want +got):\n%s", diff)
	}
}

func TestRecipeTruth(t *testing.T) {
	second := gatebench.Rate
	r := gatebench.Recipe{Shots: []gatebench.Shot{
		{Pictures: second, Shows: person("a")},
		{Pictures: 3*second - 1, Shows: person("b"), Mix: 2 * second}, // seconds 1 to 3
		{Pictures: 2*second + 1, Shows: person("b"), Goes: true, Blind: func(n int) bool { return n == 1 }},
	}}
	nothing := gatebench.Answer{}
	want := &gatebench.Reference{
		Name:    "truth",
		Due:     []gatebench.Answer{person("a"), person("a"), person("b"), person("b"), person("b"), person("b")},
		Answers: []gatebench.Answer{person("a"), person("a"), nothing, person("b"), nothing, person("b")},
	}
	if diff := cmp.Diff(want, r.Truth()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(r.Cuts()); n != 1 {
		t.Errorf("%d cuts, want 1", n)
	}
}

func TestFlashes(t *testing.T) {
	effect, blind := gatebench.Flashes(10)
	for n, want := range map[int]bool{9: false, 10: true, 11: true, 12: false, 13: false} {
		m := image.NewRGBA(image.Rect(0, 0, 2, 2))
		effect(m, n)
		if got := m.Pix[0] > 128; got != want || blind(n) != want {
			t.Errorf("picture %d: level %d, blind %t, want %t", n, m.Pix[0], blind(n), want)
		}
	}
}

func TestNoiseIsTheSameEachTime(t *testing.T) {
	drawn := func(n int) []byte {
		m := image.NewRGBA(image.Rect(0, 0, 64, 64))
		_ = grey(100).Draw(m, 0, 1)
		gatebench.Noise(4, 7)(m, n)
		return m.Pix
	}
	if !cmp.Equal(drawn(3), drawn(3)) {
		t.Error("the same picture has another noise")
	}
	if cmp.Equal(drawn(3), drawn(4)) {
		t.Error("two pictures have the same noise")
	}
}

func TestBars(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 8, 1))
	if err := (gatebench.Bars{Colour: true}).Draw(m, 0, 1); err != nil {
		t.Fatal(err)
	}
	want := []byte{
		191, 191, 191, 255, 191, 191, 0, 255, 0, 191, 191, 255, 0, 191, 0, 255,
		191, 0, 191, 255, 191, 0, 0, 255, 0, 0, 191, 255, 0, 0, 0, 255,
	}
	if diff := cmp.Diff(want, m.Pix); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
