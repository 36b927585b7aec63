package gatebench

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"path/filepath"
)

// edition is raised when a recipe or the way it is drawn changes, so that cached streams are made anew.
const edition = 1

// Samples is the folder of OpenCV's samples, of Debian's package opencv-doc.
const Samples = "/usr/share/doc/opencv-doc/examples/data"

// Studio makes the streams of known content from the test kit and OpenCV's samples.
type Studio struct {
	Kit   string // folder of the test kit
	Cache *Cache
}

// Takes returns what makes each stream, in the order of the tables, so that only one need be in memory.
func (st *Studio) Takes() []func(context.Context) (*Stream, error) {
	made := func(plan func(context.Context) (*Recipe, error), name string) func(context.Context) (*Stream, error) {
		return func(ctx context.Context) (*Stream, error) { return st.made(ctx, name, plan) }
	}
	kept := func(name, path string, truth func(n int) *Reference) func(context.Context) (*Stream, error) {
		return func(ctx context.Context) (*Stream, error) { return kept(ctx, name, path, truth) }
	}
	return []func(context.Context) (*Stream, error){
		made(st.talkShow, "talk-show"),
		kept("one-by-one", st.video("one-by-one-person-detection.mp4"), visits),
		kept("bottles", st.video("bottle-detection.mp4"), bottles),
		kept("vtest", filepath.Join(Samples, "vtest.avi"), nil),
		made(st.mixed, "mixed"),
		made(st.hostile, "hostile"),
		made(st.football, "football"),
	}
}

func (st *Studio) video(name string) string { return filepath.Join(st.Kit, "videos", name) }

// kept samples a recording as it is: one shot from end to end.
func kept(ctx context.Context, name, path string, truth func(n int) *Reference) (*Stream, error) {
	s := &Stream{Name: name, Video: path}
	if err := s.Sample(ctx); err != nil {
		return nil, err
	}
	if truth != nil {
		s.Truth = truth(len(s.Frames))
	}
	return s, nil
}

// made samples a stream of a recipe, which is encoded first if it is not in the cache.
func (st *Studio) made(ctx context.Context, name string, plan func(context.Context) (*Recipe, error)) (*Stream, error) {
	r, err := plan(ctx)
	if err != nil {
		return nil, err
	}
	s := &Stream{Name: name, Cuts: r.Cuts(), Truth: r.Truth()}
	file := fmt.Sprintf("%s-%d.mp4", name, edition)
	if s.Video, err = st.Cache.File(file, func(path string) error { return r.Make(ctx, path) }); err != nil {
		return nil, err
	}
	if err := s.Sample(ctx); err != nil {
		return nil, err
	}
	if s.Pictures != r.Pictures() {
		return nil, fmt.Errorf("%s has %d pictures of %d: remove it from the cache", s.Video, s.Pictures, r.Pictures())
	}
	return s, nil
}

// visits is the kit's list of the seconds in which somebody is in view of one-by-one. A second that holds the end of a
// visit may be shown either way and is due for nobody.
func visits(n int) *Reference {
	return seconds(n, "Person", func(i int) bool {
		for _, v := range [][2]int{{6, 20}, {23, 44}, {51, 70}, {75, 87}, {93, 120}, {124, 136}} {
			if i > v[0] && i < v[1] {
				return true
			}
		}
		return false
	})
}

// bottles are in view from end to end.
func bottles(n int) *Reference { return seconds(n, "Bottle", func(int) bool { return true }) }

func seconds(n int, object string, shown func(i int) bool) *Reference {
	r := &Reference{Name: "truth", Due: make([]Answer, n)}
	for i := range r.Due {
		if shown(i) {
			r.Due[i].Objects = []string{object}
		}
	}
	r.Answers = r.Due
	return r
}

// desk reads photos and footage for a recipe and keeps the first error.
type desk struct {
	ctx context.Context
	st  *Studio
	err error
}

func (d *desk) photo(elem ...string) *image.RGBA {
	if d.err != nil {
		return nil
	}
	var m *image.RGBA
	m, d.err = ReadPhoto(filepath.Join(elem...))
	return m
}

func (d *desk) kit(folder, file string) *image.RGBA { return d.photo(d.st.Kit, "photos", folder, file) }

func (d *desk) clip(path string, from, until int) Clip {
	if d.err != nil {
		return Clip{}
	}
	var f *Footage
	f, d.err = ReadFootage(d.ctx, path, from, until)
	return Clip{Footage: f, Path: []View{{0.5, 0.5, 1}}}
}

// dice returns the random numbers of a recipe, the same each time.
func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2)) }

// between returns a random number of pictures that last from so many to so many seconds.
func between(r *rand.Rand, least, most int) int { return least*Rate + r.IntN((most-least)*Rate+1) }
