package vision_test

import (
	"fmt"
	"sync"
	"testing"

	"spotter/timeline"
	"spotter/vision"
)

// TestManyPeople proves that the people of an event do not grow without end, and that those met lately are kept. Short
// embeddings and a high threshold make it quick.
func TestManyPeople(t *testing.T) {
	m := vision.NewIdentities(0.999)
	person := func(i int) []vision.Face { return group(at(0.5, 0.1, unit(stranger(i)[:16]))) }
	ann := person(0)
	m.Meet(ann)
	m.Learn(ann, cloudSays(ann, star("Ann", 90)))
	for i := range vision.MostPeople + 100 {
		wantFresh(t, m, true, person(1+i)...)
		m.Cut()
		if i%500 == 0 {
			m.Meet(ann)
		}
	}
	wantKnown(t, m, ann, false, "Ann")
	wantKnown(t, m, person(1), true)
	m.Learn(person(200), vision.Answer{})
	wantKnown(t, m, person(200), false)
	if people, _ := m.Size(); people != vision.MostPeople {
		t.Errorf("%d people, want %d", people, vision.MostPeople)
	}
}

// TestManyViews proves that the exemplars of a person do not grow without end, and that different ones are kept.
func TestManyViews(t *testing.T) {
	m := vision.NewIdentities(alike)
	ann := stranger(1)
	guise := view(ann, 0.56, 500)
	m.Meet(group(at(0.5, 0.1, ann)))
	m.Meet(group(at(0.5, 0.1, guise)))
	for i := range 100 {
		wantFresh(t, m, false, at(0.5, 0.1, view(ann, 0.8, i)))
	}
	if people, exemplars := m.Size(); people != 1 || exemplars != vision.MostExemplars {
		t.Errorf("%d people, %d exemplars, want 1 and %d", people, exemplars, vision.MostExemplars)
	}
	m.Cut()
	wantFresh(t, m, false, at(0.1, 0.1, view(guise, 0.5, 2)))
}

// TestIdentitiesAtOnce uses one memory from several goroutines, for the race detector.
func TestIdentitiesAtOnce(t *testing.T) {
	m := vision.NewIdentities(alike)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 100 {
				f := group(at(0.5, 0.1, view(stranger(i%7), 0.7, g*100+i)))
				m.Meet(f)
				if who, ask := m.Known(f); ask {
					m.Learn(f, cloudSays(f, star(fmt.Sprint(i%7), 90)))
				} else if len(who) == 1 && who[0].Name != fmt.Sprint(i%7) {
					t.Errorf("person %d is %s", i%7, who[0].Name)
				}
				if i%10 == 0 {
					m.Cut()
				}
			}
		})
	}
	all.Wait()
}

// FuzzIdentities plays any story of faces and answers, and wants no name that was not learnt and no memory without end.
func FuzzIdentities(f *testing.F) {
	f.Add([]byte("meet, learn and know"))
	f.Add([]byte{0, 1, 2, 3, 64, 65, 66, 67, 128, 129, 192, 193, 255, 254, 0, 1})
	f.Fuzz(func(t *testing.T, story []byte) {
		m := vision.NewIdentities(alike)
		learnt := make(map[string]bool)
		for i, b := range story[:min(len(story), 300)] {
			person := int(b>>2) % 16
			faces := group(at(float64(b%10)/10, 0.01+float64(b%32)/64, view(stranger(person), float64(b)/256, i)), at(0.5, 0.1, nil))
			switch b % 4 {
			case 0:
				m.Cut()
			case 1, 2:
				m.Meet(faces)
			case 3:
				e := star(fmt.Sprint(person), float64(b)/3)
				if b%8 == 3 {
					m.Learn(faces, cloudSays(faces, e))
				} else {
					m.Learn(faces, vision.Answer{Celebrities: []timeline.Entity{e}})
				}
				learnt[e.Name] = true
			}
			known, _ := m.Known(faces)
			for _, e := range known {
				if !learnt[e.Name] {
					t.Fatalf("step %d: %q was never learnt", i, e.Name)
				}
			}
			if people, exemplars := m.Size(); people > i+1 || exemplars > vision.MostExemplars {
				t.Fatalf("step %d: %d people, %d exemplars", i, people, exemplars)
			}
		}
	})
}

func BenchmarkKnown(b *testing.B) {
	for _, people := range []int{50, vision.MostPeople} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			m := vision.NewIdentities(alike)
			for i := range people {
				for j := range vision.MostExemplars {
					m.Meet(group(at(0.5, 0.1, view(stranger(i), 0.6, 100*i+j))))
				}
				m.Cut()
			}
			face := group(at(0.5, 0.1, view(stranger(0), 0.6, 99)))
			for b.Loop() {
				m.Known(face)
			}
		})
	}
}
