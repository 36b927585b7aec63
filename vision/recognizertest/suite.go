// Package recognizertest owns the one suite that every vision.Recognizer has to pass.
package recognizertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
	"spotter/vision"
)

// Run checks that the recogniser of a factory keeps vision.Recognizer's contract. The factory is called once for each
// case and cleans up with t.Cleanup. Pictures, which may be none, are real ones in which the recogniser sees something.
func Run(t *testing.T, factory func(t *testing.T) vision.Recognizer, pictures ...vision.Picture) {
	t.Helper()
	plain := Picture(image.Rect(0, 0, 320, 180))
	seen := append(slices.Clone(pictures), plain)
	t.Run("answers keep the rules", func(t *testing.T) { answers(t, factory(t), seen) })
	t.Run("same picture gives same answer", func(t *testing.T) { repeats(t, factory(t), seen[0]) })
	t.Run("what is wanted is answered", func(t *testing.T) { wants(t, factory(t), seen) })
	t.Run("odd sizes do no harm", func(t *testing.T) { sizes(t, factory(t)) })
	t.Run("broken pictures do no harm", func(t *testing.T) { broken(t, factory(t), seen[0]) })
	t.Run("cancelled context", func(t *testing.T) { cancelled(t, factory(t), seen[0]) })
	t.Run("context that ends on the way", func(t *testing.T) { ending(t, factory(t), seen[0]) })
	t.Run("concurrent calls", func(t *testing.T) { concurrent(t, factory(t), seen) })
	t.Run("picture is not changed", func(t *testing.T) { unchanged(t, factory(t), seen[0]) })
}

// Picture returns a smooth picture of the given bounds with nobody in it, encoded too unless it is empty. Bounds that
// do not begin at 0,0 make a picture that is part of a larger one.
func Picture(bounds image.Rectangle) vision.Picture {
	whole := image.NewRGBA(image.Rect(0, 0, bounds.Max.X, bounds.Max.Y))
	for y := range bounds.Max.Y {
		for x := range bounds.Max.X {
			whole.SetRGBA(x, y, color.RGBA{uint8(255 * x / bounds.Max.X), uint8(255 * y / bounds.Max.Y), 128, 255})
		}
	}
	p := vision.Picture{Small: whole.SubImage(bounds).(*image.RGBA), Width: bounds.Dx(), Height: bounds.Dy()}
	if bounds.Empty() {
		return p
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p.Small, nil); err != nil {
		panic(fmt.Sprintf("encode %v: %v", bounds, err))
	}
	p.JPEG = b.Bytes()
	return p
}

func answers(t *testing.T, r vision.Recognizer, pictures []vision.Picture) {
	for i, p := range pictures {
		a, err := r.Recognize(t.Context(), p)
		if err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		check(t, a)
		if i < len(pictures)-1 && len(a.Celebrities)+len(a.Objects) == 0 {
			t.Errorf("picture %d: nothing seen in a picture that shows something", i)
		}
	}
}

// check reports what breaks the rules of vision.Answer and timeline.Entity.
func check(t *testing.T, a vision.Answer) {
	t.Helper()
	if !slices.Contains([]string{timeline.SourceRekognition, timeline.SourceONNX, timeline.SourceClassic}, a.Source) {
		t.Errorf("source %q is none of the timeline's", a.Source)
	}
	for what, list := range map[string][]timeline.Entity{"celebrities": a.Celebrities, "objects": a.Objects} {
		names := make(map[string]bool)
		last := 100.0
		for _, e := range list {
			if e.Name == "" || names[e.Name] {
				t.Errorf("%s: name %q is empty or there twice", what, e.Name)
			}
			if !(e.Confidence >= 0 && e.Confidence <= last) {
				t.Errorf("%s: confidence %v of %q is not in 0..%v: want the most confident first", what, e.Confidence, e.Name, last)
			}
			if kin := slices.Concat(e.Parents, e.Aliases); slices.Contains(kin, "") || slices.Contains(kin, e.Name) {
				t.Errorf("%s: %q has parents %q and aliases %q", what, e.Name, e.Parents, e.Aliases)
			}
			names[e.Name], last = true, e.Confidence
		}
	}
	for _, f := range a.Faces {
		b := f.Box
		if !(b.Left >= 0 && b.Top >= 0 && b.Width > 0 && b.Height > 0 && b.Left+b.Width < 1+1e-6 && b.Top+b.Height < 1+1e-6) {
			t.Errorf("face at %+v is not within the picture", b)
		}
		named := func(e timeline.Entity) bool { return e.Name == f.Who.Name }
		if f.Who.Name != "" && !slices.ContainsFunc(a.Celebrities, named) {
			t.Errorf("face of %q, who is none of the celebrities", f.Who.Name)
		}
	}
}

// wants asks for parts of an answer: each has to be there, and the same as in the whole. More may be.
func wants(t *testing.T, r vision.Recognizer, pictures []vision.Picture) {
	for i, p := range pictures {
		whole, err := r.Recognize(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []vision.Want{vision.WantCelebrities, vision.WantObjects, vision.WantAll} {
			p.Want = want
			got, err := r.Recognize(t.Context(), p)
			if err != nil {
				t.Fatalf("picture %d, want %b: %v", i, want, err)
			}
			check(t, got)
			if d := cmp.Diff(whole.Source, got.Source); d != "" {
				t.Errorf("picture %d, want %b: source (-whole +got):\n%s", i, want, d)
			}
			if d := cmp.Diff(whole.Celebrities, got.Celebrities); want.Has(vision.WantCelebrities) && d != "" {
				t.Errorf("picture %d, want %b: celebrities (-whole +got):\n%s", i, want, d)
			}
			if d := cmp.Diff(whole.Faces, got.Faces); want.Has(vision.WantCelebrities) && d != "" {
				t.Errorf("picture %d, want %b: faces (-whole +got):\n%s", i, want, d)
			}
			if d := cmp.Diff(whole.Objects, got.Objects); want.Has(vision.WantObjects) && d != "" {
				t.Errorf("picture %d, want %b: objects (-whole +got):\n%s", i, want, d)
			}
		}
	}
}

func repeats(t *testing.T, r vision.Recognizer, p vision.Picture) {
	first, err := r.Recognize(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Recognize(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, second); d != "" {
		t.Errorf("second answer differs (-first +second):\n%s", d)
	}
}

// sizes asks about pictures at the edges: an empty one is a permanent error, since no later try can make it fit; a tiny
// or narrow one may be that or an answer.
func sizes(t *testing.T, r vision.Recognizer) {
	cases := []struct {
		name   string
		bounds image.Rectangle
	}{
		{"empty", image.Rectangle{}},
		{"no height", image.Rect(0, 0, 320, 0)},
		{"one pixel", image.Rect(0, 0, 1, 1)},
		{"one line", image.Rect(0, 0, 640, 1)},
		{"one column", image.Rect(0, 0, 1, 640)},
		{"odd sides", image.Rect(0, 0, 639, 361)},
		{"part of a larger picture", image.Rect(33, 21, 353, 201)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, err := r.Recognize(t.Context(), Picture(c.bounds))
			switch {
			case err != nil && !errors.Is(err, vision.ErrPermanent):
				t.Errorf("error %q does not wrap vision.ErrPermanent", err)
			case err == nil && c.bounds.Empty():
				t.Error("an empty picture is no error")
			case err == nil:
				check(t, a)
			}
		})
	}
}

// broken asks about pictures that are not what they should be. Each is answered from what is left of it, or refused for
// good, and the next whole one is answered.
func broken(t *testing.T, r vision.Recognizer, p vision.Picture) {
	cases := []struct {
		name  string
		spoil func(p *vision.Picture)
	}{
		{"no JPEG", func(p *vision.Picture) { p.JPEG = nil }},
		{"not a JPEG", func(p *vision.Picture) { p.JPEG = []byte("GIF89a") }},
		{"JPEG without pixels", func(p *vision.Picture) { p.JPEG = p.JPEG[:min(len(p.JPEG), 20)] }},
		{"JPEG cut off", func(p *vision.Picture) { p.JPEG = p.JPEG[:len(p.JPEG)/2] }},
		{"JPEG of noise", func(p *vision.Picture) {
			p.JPEG = slices.Clone(p.JPEG)
			for i := 20; i < len(p.JPEG); i++ {
				p.JPEG[i] = byte(i * i >> 3)
			}
		}},
		{"no small picture", func(p *vision.Picture) { p.Small = nil }},
		{"nothing", func(p *vision.Picture) { *p = vision.Picture{} }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			spoiled := p
			c.spoil(&spoiled)
			a, err := r.Recognize(t.Context(), spoiled)
			switch {
			case err != nil && !errors.Is(err, vision.ErrPermanent):
				t.Errorf("error %q does not wrap vision.ErrPermanent", err)
			case err == nil && c.name == "nothing":
				t.Error("no picture at all is no error")
			case err == nil:
				check(t, a)
			}
		})
	}
	if _, err := r.Recognize(t.Context(), p); err != nil {
		t.Errorf("the next picture: %v", err)
	}
}

// ending has contexts end at odd moments: there is an answer, or that is the error, and nobody's fault.
func ending(t *testing.T, r vision.Recognizer, p vision.Picture) {
	for after := 50 * time.Microsecond; after < 100*time.Millisecond; after *= 4 {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		_, err := r.Recognize(ctx, p)
		cancel()
		if err != nil && (!errors.Is(err, context.DeadlineExceeded) || errors.Is(err, vision.ErrPermanent) || errors.Is(err, vision.ErrThrottled)) {
			t.Errorf("after %v: error %q", after, err)
		}
	}
	if _, err := r.Recognize(t.Context(), p); err != nil {
		t.Errorf("call after those: %v", err)
	}
}

func cancelled(t *testing.T, r vision.Recognizer, p vision.Picture) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Recognize(ctx, p)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v does not wrap context.Canceled", err)
	}
	if errors.Is(err, vision.ErrPermanent) || errors.Is(err, vision.ErrThrottled) {
		t.Errorf("error %q blames the recogniser for the caller's leaving", err)
	}
	if _, err := r.Recognize(t.Context(), p); err != nil {
		t.Errorf("call after a cancelled one: %v", err)
	}
}

// concurrent asks from several goroutines about different pictures and wants the answers of one goroutine.
func concurrent(t *testing.T, r vision.Recognizer, pictures []vision.Picture) {
	want := make([]vision.Answer, len(pictures))
	for i, p := range pictures {
		var err error
		if want[i], err = r.Recognize(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for range 3 {
		for i, p := range pictures {
			all.Go(func() {
				got, err := r.Recognize(t.Context(), p)
				if err != nil {
					t.Errorf("picture %d: %v", i, err)
				} else if d := cmp.Diff(want[i], got); d != "" {
					t.Errorf("picture %d differs from the answer given alone (-want +got):\n%s", i, d)
				}
			})
		}
	}
	all.Wait()
}

func unchanged(t *testing.T, r vision.Recognizer, p vision.Picture) {
	pixels, encoded := slices.Clone(p.Small.Pix), slices.Clone(p.JPEG)
	if _, err := r.Recognize(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(pixels, p.Small.Pix) || !slices.Equal(encoded, p.JPEG) {
		t.Error("the picture was changed")
	}
}
