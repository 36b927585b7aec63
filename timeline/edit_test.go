package timeline_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

func shows(source string, celebrities, objects []timeline.Entity) *timeline.Observation {
	return &timeline.Observation{
		Media: "m", Span: span(0, 5), Source: source, Revision: 1, At: answered,
		Celebrities: append([]timeline.Entity{}, celebrities...), Objects: append([]timeline.Entity{}, objects...),
	}
}

func entity(name, id string, confidence float64) timeline.Entity {
	return timeline.Entity{Name: name, ID: id, Confidence: confidence}
}

// says returns an edit whose token is its name.
func says(do, token string, of timeline.Name, to ...timeline.Name) timeline.Edit {
	e := timeline.Edit{Do: do, Entity: of, Undo: token, At: answered.Add(time.Minute)}
	if len(to) > 0 {
		e.To = to[0]
	}
	return e
}

// answers has a later answer of the cloud.
func answers(celebrities, objects []timeline.Entity) func(*timeline.Observation) bool {
	return func(o *timeline.Observation) bool {
		o.Source, o.Celebrities, o.Objects = timeline.SourceRekognition, celebrities, objects
		return true
	}
}

func TestEdits(t *testing.T) {
	ann, bob, cup := timeline.Name{Name: "Ann"}, timeline.Name{Name: "Bob"}, timeline.Name{Name: "Cup"}
	annAnd := func(others ...timeline.Entity) []timeline.Entity {
		return append([]timeline.Entity{{Name: "Ann", ID: "a", URLs: []string{"u"}, Confidence: 60}}, others...)
	}
	kin := []timeline.Entity{{Name: "Cup", Parents: []string{"Dishes"}, Aliases: []string{"Mug"}, Confidence: 90}}
	known := says(timeline.EditRename, "1", ann, bob)
	known.Known = &timeline.Entity{Name: "Bob", ID: "b", URLs: []string{"v"}}
	type list = []timeline.Entity
	for name, tc := range map[string]struct {
		first              list
		edits              []timeline.Edit
		want               list
		later, wantLater   list // celebrities of a later answer, and what they then are
		wantUndone         list // without the first edit
		objects, wantThing list
	}{
		"accepted, later less sure": {
			annAnd(),
			[]timeline.Edit{says(timeline.EditAccept, "1", ann)},
			list{{Name: "Ann", ID: "a", URLs: []string{"u"}, Confidence: 100}},
			list{entity("ann", "r1", 51), entity("Bob", "", 70)},
			list{entity("ann", "r1", 100), entity("Bob", "", 70)},
			list{entity("ann", "r1", 51), entity("Bob", "", 70)},
			nil, nil,
		},
		"accepted, later not told": {
			annAnd(),
			[]timeline.Edit{says(timeline.EditAccept, "1", ann)},
			list{{Name: "Ann", ID: "a", URLs: []string{"u"}, Confidence: 100}},
			list{entity("Bob", "", 70)},
			list{entity("Bob", "", 70), {Name: "Ann", ID: "a", URLs: []string{"u"}, Confidence: 100}},
			list{entity("Bob", "", 70)},
			nil, nil,
		},
		"rejected, later told with another id": {
			annAnd(entity("Bob", "b", 50)),
			[]timeline.Edit{says(timeline.EditReject, "1", timeline.Name{Name: "Ann", ID: "a"})},
			list{entity("Bob", "b", 50)},
			list{entity("Ann", "r1", 99), entity("Bob", "r2", 98)},
			list{entity("Bob", "r2", 98)},
			list{entity("Ann", "r1", 99), entity("Bob", "r2", 98)},
			nil, nil,
		},
		"one of two of a name": {
			annAnd(entity("Ann", "z", 50)),
			[]timeline.Edit{says(timeline.EditReject, "1", timeline.Name{Name: "Ann", ID: "z"})},
			annAnd(),
			annAnd(entity("Ann", "z", 99)), annAnd(), annAnd(entity("Ann", "z", 99)), nil, nil,
		},
		"renamed, later told by the old name": {
			annAnd(),
			[]timeline.Edit{says(timeline.EditRename, "1", ann, bob)},
			list{entity("Bob", "", 60)},
			list{entity("Ann", "r1", 97)},
			list{entity("Bob", "", 97)},
			list{entity("Ann", "r1", 97)},
			nil, nil,
		},
		"renamed to one in the gallery": {
			annAnd(),
			[]timeline.Edit{known},
			list{{Name: "Bob", ID: "b", URLs: []string{"v"}, Confidence: 60}},
			nil,
			list{{Name: "Bob", ID: "b", URLs: []string{"v"}, Confidence: 60}},
			list{},
			nil, nil,
		},
		"renamed, later both told": {
			annAnd(),
			[]timeline.Edit{says(timeline.EditRename, "1", ann, bob)},
			list{entity("Bob", "", 60)},
			list{entity("Bob", "r2", 80), entity("Ann", "r1", 97)},
			list{entity("Bob", "r2", 97)},
			list{entity("Bob", "r2", 80), entity("Ann", "r1", 97)},
			nil, nil,
		},
		"merged": {
			annAnd(entity("Bob", "b", 50)),
			[]timeline.Edit{says(timeline.EditMerge, "1", ann, timeline.Name{Name: "Bob", ID: "b"})},
			list{entity("Bob", "b", 60)},
			list{entity("Bob", "b", 10)},
			list{entity("Bob", "b", 60)},
			list{entity("Bob", "b", 10)},
			nil, nil,
		},
		"renamed twice, the first taken back": {
			annAnd(),
			[]timeline.Edit{says(timeline.EditRename, "1", ann, bob), says(timeline.EditRename, "2", bob, timeline.Name{Name: "Cy"})},
			list{entity("Cy", "", 60)},
			annAnd(),
			list{entity("Cy", "", 60)},
			annAnd(), nil, nil,
		},
		"renamed and rejected": {
			annAnd(),
			[]timeline.Edit{says(timeline.EditRename, "1", ann, bob), says(timeline.EditReject, "2", bob)},
			list{},
			annAnd(),
			list{},
			annAnd(), nil, nil,
		},
		"an object": {
			nil,
			[]timeline.Edit{says(timeline.EditRename, "1", cup, timeline.Name{Name: "Trophy"})},
			list{},
			nil,
			list{},
			list{},
			kin,
			list{entity("Trophy", "", 90)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := shows(timeline.SourceONNX, tc.first, tc.objects)
			for i, e := range tc.edits {
				now, err := timeline.Edited(o, e)
				if err != nil || now.Revision != i+2 || now.Source != o.Source || !now.At.Equal(o.At) {
					t.Fatalf("edit %d: %+v, %v", i, now, err)
				}
				o = now
			}
			if diff := cmp.Diff(tc.want, o.Celebrities); diff != "" {
				t.Errorf("edited (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantThing, o.Objects); tc.wantThing != nil && diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			o = timeline.Revise(o, answers(tc.later, tc.objects))
			if diff := cmp.Diff(tc.wantLater, o.Celebrities); diff != "" || o.Source != timeline.SourceRekognition {
				t.Errorf("after a later answer (-want +got):\n%s", diff)
			}
			o, err := timeline.Undone(o, "1", answered)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.wantUndone, o.Celebrities); diff != "" {
				t.Errorf("taken back (-want +got):\n%s", diff)
			}
			if _, err := timeline.Undone(o, "1", answered); !errors.Is(err, timeline.ErrNoEdit) {
				t.Errorf("taken back twice: %v", err)
			}
		})
	}
}

func TestEditRefused(t *testing.T) {
	o := shows(timeline.SourceONNX, []timeline.Entity{entity("Ann", "a", 60), entity("Ann", "z", 50), entity("Bob", "", 40)}, nil)
	full := o
	for range timeline.MaxEdits / 2 {
		for _, do := range []string{timeline.EditAccept, timeline.EditReject} {
			e := says(do, "x", timeline.Name{Name: "Bob"})
			if do == timeline.EditReject {
				e = says(timeline.EditAccept, "y", timeline.Name{Name: "Ann", ID: "a"})
			}
			var err error
			if full, err = timeline.Edited(full, e); err != nil {
				t.Fatal(err)
			}
		}
	}
	bob := timeline.Name{Name: "Bob"}
	for name, tc := range map[string]struct {
		o    *timeline.Observation
		e    timeline.Edit
		want error
	}{
		"nobody of the name": {o, says(timeline.EditAccept, "1", timeline.Name{Name: "Cy"}), timeline.ErrNotShown},
		"which of two":       {o, says(timeline.EditReject, "1", timeline.Name{Name: "Ann"}), timeline.ErrAmbiguousName},
		"the same name":      {o, says(timeline.EditRename, "1", bob, bob), timeline.ErrSameName},
		"into itself":        {o, says(timeline.EditMerge, "1", bob, bob), timeline.ErrSameName},
		"too many":           {full, says(timeline.EditReject, "1", bob), timeline.ErrManyEdits},
	} {
		t.Run(name, func(t *testing.T) {
			if now, err := timeline.Edited(tc.o, tc.e); !errors.Is(err, tc.want) || now != nil {
				t.Errorf("%+v, %v", now, err)
			}
		})
	}
}

// TestEditAgain has a request that is repeated: nothing is new.
func TestEditAgain(t *testing.T) {
	o := shows(timeline.SourceONNX, []timeline.Entity{entity("Ann", "a", 60)}, nil)
	for _, do := range []string{timeline.EditAccept, timeline.EditReject, timeline.EditRename} {
		e := says(do, do, timeline.Name{Name: "Ann"}, timeline.Name{Name: "Bob"})
		once, err := timeline.Edited(o, e)
		if err != nil {
			t.Fatal(err)
		}
		e.Undo, e.At = "another", e.At.Add(time.Second)
		if twice, err := timeline.Edited(once, e); twice != once || err != nil {
			t.Errorf("%s: %+v, %v", do, twice, err)
		}
	}
}

func TestEditsHaveTheirOrder(t *testing.T) {
	o := shows(timeline.SourceONNX, []timeline.Entity{entity("Ann", "a", 60)}, nil)
	if o.LastEdit() != 0 {
		t.Error("edited before anybody did")
	}
	last := int64(0)
	for i := range 4 { // all at one time
		var err error
		if i%2 == 0 {
			o, err = timeline.Edited(o, says(timeline.EditReject, "1", timeline.Name{Name: "Ann"}))
		} else {
			o, err = timeline.Undone(o, "1", answered)
		}
		if err != nil || o.LastEdit() <= last {
			t.Fatalf("%d: edited at %d after %d, %v", i, o.LastEdit(), last, err)
		}
		last = o.LastEdit()
	}
	now, _ := timeline.Settle(&timeline.Observation{Media: "m", Span: span(0, 5), Open: true, Edits: o.Edits}, told(span(0, 9), false))
	if now.Edits != o.Edits {
		t.Error("the end of a scene forgot what people said")
	}
}

func TestRevised(t *testing.T) {
	var list []*timeline.Observation
	for i := range 1000 {
		list = append(list, stored(span(timeline.Position(i), timeline.Position(i+1)), 1, false))
	}
	before := timeline.New(list, nil)
	after := before.With([]*timeline.Observation{
		stored(span(3, 4), 2, false), stored(span(500, 501), 2, false), stored(span(700, 701), 1, false), stored(span(999, 1000), 2, false), stored(span(2000, 2001), 1, false),
	}, nil)
	for name, tl := range map[string]*timeline.Timeline{"the next": after, "pruned": after.Without(1)} {
		var got []timeline.Position
		for _, o := range tl.Revised(before, 900) {
			got = append(got, o.From)
		}
		if diff := cmp.Diff([]timeline.Position{3, 500}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if after.Revised(after, 9999) != nil || after.Revised(nil, 9999) != nil {
		t.Error("nothing changed, yet something is revised")
	}
}
