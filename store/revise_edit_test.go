package store_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/store"
	"spotter/timeline"
)

// edit returns a change that rejects or renames.
func edit(do, undo, name, to string) func(*timeline.Observation) (*timeline.Observation, error) {
	e := timeline.Edit{Do: do, Entity: timeline.Name{Name: name}, To: timeline.Name{Name: to}, Undo: undo, At: time.Unix(1e9, 0)}
	return func(o *timeline.Observation) (*timeline.Observation, error) { return timeline.Edited(o, e) }
}

func undo(token string) func(*timeline.Observation) (*timeline.Observation, error) {
	return func(o *timeline.Observation) (*timeline.Observation, error) {
		return timeline.Undone(o, token, time.Unix(1e9, 0))
	}
}

func TestEdit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := open(t, path, "dynamodb")
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(0, 5, 1), lasting(5, 7), observe(9, 12, 1)}})
	all := []timeline.Position{0, 5, 7, 9} // none begins at 7
	now, err := s.Edit(media, all, edit(timeline.EditRename, "1", "Person", "Referee"))
	if err != nil || len(now) != 3 {
		t.Fatalf("%d observations, %v", len(now), err)
	}
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(5, 9, 1)}}) // its end
	for _, from := range []timeline.Position{0, 5} {
		revise(t, s, from) // a later answer
	}
	if now, err := s.Edit(media, []timeline.Position{9}, undo("1")); err != nil || now[0].Revision != 3 || now[0].Objects[0].Name != "Person" {
		t.Fatalf("%+v, %v", now, err)
	}
	if _, err := s.Edit(media, all, undo("1")); !errors.Is(err, timeline.ErrNoEdit) {
		t.Errorf("taken back twice, of one: %v", err)
	}
	for _, when := range []string{"edited", "reopened"} {
		tl, _ := s.Timeline(media)
		for from, want := range map[timeline.Position]string{0: "Referee 3", 5: "Referee 4", 9: "Person 3"} {
			o := tl.At(from)
			if got := fmt.Sprint(o.Objects[0].Name, " ", o.Revision); got != want || o.LastEdit() == 0 || o.Open {
				t.Errorf("%s: at %v: %s, want %s; %+v", when, from, got, want, o)
			}
		}
		if keys, _ := pendingKeys(t, s, "dynamodb", 10); len(keys) != 3 {
			t.Errorf("%s: waiting %v", when, keys)
		}
		s = reopened(t, s, path, "dynamodb")
	}
}

func TestEditNothing(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spotter.db"), "dynamodb")
	record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{observe(0, 5, 1)}})
	before, _ := s.Timeline(media)
	same := func(o *timeline.Observation) (*timeline.Observation, error) { return o, nil }
	if now, err := s.Edit(media, []timeline.Position{0}, same); err != nil || len(now) != 1 {
		t.Errorf("%+v, %v", now, err)
	}
	for _, other := range []string{media, "other"} {
		if now, err := s.Edit(other, []timeline.Position{1}, same); err != nil || now != nil {
			t.Errorf("%s: %+v, %v", other, now, err)
		}
	}
	if after, _ := s.Timeline(media); after != before || !slices.Equal(s.Media(), []string{media}) {
		t.Error("something changed")
	}
}

// edited is what a scene is in the model: what the machine says, and who was renamed to whom or rejected, in order.
type edited struct {
	machine  []string
	edits    [][3]string // token, name, new name or none
	revision int
	until    timeline.Position
}

// shown are the names that the model says are shown, sorted. A name that was edited stays, in its new form.
func (e *edited) shown() []string {
	names := make(map[string]bool)
	for _, n := range e.machine {
		names[n] = true
	}
	for _, x := range e.edits {
		if delete(names, x[1]); x[2] != "" {
			names[x[2]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// TestEditModel plays answers, edits, undos, pruning and restarts in random order against a plain model. Machines name A and B; people
// turn A into one name and B into another, which no machine says, so that the model is a set of names.
func TestEditModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	path := filepath.Join(t.TempDir(), "spotter.db")
	s := open(t, path)
	model := make(map[timeline.Position]*edited)
	machines := [][]string{{"A", "B"}, {"B", "A"}}
	names := func(list []timeline.Entity) (out []string) {
		out = []string{}
		for _, e := range list {
			out = append(out, e.Name)
		}
		slices.Sort(out)
		return out
	}
	says := func(list []string) (out []timeline.Entity) {
		for _, n := range list {
			out = append(out, timeline.Entity{Name: n, Confidence: float64(rng.IntN(100))})
		}
		return out
	}
	for step := range 600 {
		from := timeline.Position(rng.IntN(20) * 10)
		m, token := model[from], fmt.Sprint(step)
		switch k := rng.IntN(10); {
		case m == nil:
			m = &edited{machine: machines[rng.IntN(2)], revision: 1, until: from + 10}
			o := observe(from, m.until, 1)
			o.Celebrities = says(m.machine)
			record(t, s, store.Batch{Media: media, Observations: []*timeline.Observation{o}})
			if tl, _ := s.Timeline(media); tl.At(from) != nil {
				model[from] = m
			}
		case k < 3: // a later answer
			machine := machines[rng.IntN(2)]
			if len(m.edits) == 0 { // else what people said would fill in
				machine = machine[:rng.IntN(3)]
			}
			m.machine, m.revision = machine, m.revision+1
			if _, err := s.Revise(media, from, func(o *timeline.Observation) bool { o.Celebrities = says(machine); return true }); err != nil {
				t.Fatal(err)
			}
		case k < 6: // an edit
			shown := m.shown()
			if len(shown) == 0 || len(m.edits) > 5 {
				continue
			}
			name, to, do := shown[rng.IntN(len(shown))], name(rng, token), timeline.EditRename
			if rng.IntN(3) == 0 {
				to, do = "", timeline.EditReject
			}
			if _, err := s.Edit(media, []timeline.Position{from}, edit(do, token, name, to)); err != nil {
				t.Fatal(err)
			}
			m.edits, m.revision = append(m.edits, [3]string{token, name, to}), m.revision+1
		case k < 8: // the newest edit is taken back
			if len(m.edits) == 0 {
				continue
			}
			last := len(m.edits) - 1
			if _, err := s.Edit(media, []timeline.Position{from}, undo(m.edits[last][0])); err != nil {
				t.Fatal(err)
			}
			m.edits, m.revision = m.edits[:last], m.revision+1
		case k < 9:
			s = reopened(t, s, path)
		case rng.IntN(4) == 0:
			if _, err := s.Prune(media, from); err != nil {
				t.Fatal(err)
			}
			maps.DeleteFunc(model, func(_ timeline.Position, m *edited) bool { return m.until <= from })
		}
		tl, _ := s.Timeline(media)
		got, want := map[timeline.Position]string{}, map[timeline.Position]string{}
		for _, o := range tl.Within(everything) {
			got[o.From] = fmt.Sprint(o.Revision, names(o.Celebrities))
		}
		for from, m := range model {
			want[from] = fmt.Sprint(m.revision, append([]string{}, m.shown()...))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("step %d (-want +got):\n%s", step, diff)
		}
	}
}

// name returns one that nobody has yet.
func name(rng *rand.Rand, token string) string { return fmt.Sprint("N", rng.IntN(9), "-", token) }
