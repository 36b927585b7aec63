package instrument_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/engage/instrument"
	"spotter/timeline"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// screen is a window in which these are seen.
func screen(celebrities, objects []timeline.Entity) *timeline.Look {
	span := timeline.Span{From: 0, Until: 1000}
	o := &timeline.Observation{Media: "m", Span: span, Celebrities: celebrities, Objects: objects}
	var l timeline.Look
	timeline.New([]*timeline.Observation{o}, []timeline.Span{span}).Look(&l, span)
	return &l
}

// game is a screen with one person and two things.
func game() *timeline.Look {
	return screen(
		[]timeline.Entity{{Name: "Jane Doe", ID: "4xY9", Confidence: 99}},
		[]timeline.Entity{
			{Name: "Couch", Parents: []string{"Furniture"}, Aliases: []string{"Sofa"}, Confidence: 90},
			{Name: "Person", Confidence: 90},
		},
	)
}

// ids returns what a catalog holds eligible, each with its targets that are on screen.
func ids(c *instrument.Catalog, q *instrument.Question) (list [][]string) {
	for _, m := range c.Eligible(nil, q) {
		one := []string{c.All()[m.Index].ID}
		for _, n := range m.Targets {
			one = append(one, c.Targets()[n])
		}
		list = append(list, one)
	}
	return list
}

func TestTargets(t *testing.T) {
	for name, c := range map[string]struct {
		targets instrument.Targets
		want    []string // on screen; nil where it is not eligible
	}{
		"none said":           {instrument.Targets{}, []string{}},
		"name":                {instrument.Targets{Any: []string{"Couch"}}, []string{"couch"}},
		"letter case":         {instrument.Targets{Any: []string{"jANE dOE"}}, []string{"jane doe"}},
		"id":                  {instrument.Targets{Any: []string{"4XY9"}}, []string{"4xy9"}},
		"alias":               {instrument.Targets{Any: []string{"Sofa"}}, []string{"sofa"}},
		"parent":              {instrument.Targets{Any: []string{"furniture"}}, []string{"furniture"}},
		"part of a name":      {instrument.Targets{Any: []string{"Jane"}}, nil},
		"any of two":          {instrument.Targets{Any: []string{"Car", "Person"}}, []string{"person"}},
		"any of none there":   {instrument.Targets{Any: []string{"Car", "Bus"}}, nil},
		"both of any":         {instrument.Targets{Any: []string{"Person", "Couch", "COUCH"}}, []string{"person", "couch"}},
		"all there":           {instrument.Targets{All: []string{"Person", "Couch"}}, []string{"person", "couch"}},
		"all but one there":   {instrument.Targets{All: []string{"Person", "Car"}}, nil},
		"any and all":         {instrument.Targets{Any: []string{"Sofa", "Person", "Car"}, All: []string{"Person"}}, []string{"sofa", "person"}},
		"all but not any":     {instrument.Targets{Any: []string{"Car"}, All: []string{"Person"}}, nil},
		"none, absent":        {instrument.Targets{None: []string{"Car"}}, []string{}},
		"none, there":         {instrument.Targets{None: []string{"Car", "furniture"}}, nil},
		"any and none":        {instrument.Targets{Any: []string{"Person"}, None: []string{"Couch"}}, nil},
		"any and none absent": {instrument.Targets{Any: []string{"Person"}, None: []string{"Car"}}, []string{"person"}},
	} {
		t.Run(name, func(t *testing.T) {
			catalog := instrument.NewCatalog([]instrument.Instrument{{ID: "i", Targets: c.targets}})
			var want [][]string
			if c.want != nil {
				want = [][]string{append([]string{"i"}, c.want...)}
			}
			if d := cmp.Diff(want, ids(catalog, &instrument.Question{Look: game(), Now: noon})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNothingOnScreen(t *testing.T) {
	c := instrument.NewCatalog([]instrument.Instrument{
		{ID: "any", Targets: instrument.Targets{Any: []string{"Person"}}},
		{ID: "none", Targets: instrument.Targets{None: []string{"Person"}}},
	})
	if d := cmp.Diff([][]string{{"none"}}, ids(c, &instrument.Question{Now: noon})); d != "" {
		t.Error(d)
	}
}

func TestAudience(t *testing.T) {
	viewer := map[string]any{
		"age": 30.0, "country": "GB", "vip": true, "tags": []any{"Sport", 7.0, false}, "empty": []any{}, "gone": nil,
	}
	for name, c := range map[string]struct {
		attribute string
		condition instrument.Condition
		want      bool
	}{
		"min met":                 {"age", instrument.Condition{Min: new(30.0)}, true},
		"min missed":              {"age", instrument.Condition{Min: new(30.5)}, false},
		"max met":                 {"age", instrument.Condition{Max: new(30.0)}, true},
		"max missed":              {"age", instrument.Condition{Max: new(29.0)}, false},
		"between":                 {"age", instrument.Condition{Min: new(18.0), Max: new(65.0)}, true},
		"bound of text":           {"country", instrument.Condition{Min: new(0.0)}, false},
		"bound of a list":         {"tags", instrument.Condition{Min: new(0.0)}, false},
		"bound of what is absent": {"height", instrument.Condition{Max: new(9.0)}, false},
		"in":                      {"country", instrument.Condition{In: []any{"IE", "gb"}}, true},
		"not in in":               {"country", instrument.Condition{In: []any{"IE"}}, false},
		"number in":               {"age", instrument.Condition{In: []any{30.0}}, true},
		"number is no text":       {"age", instrument.Condition{In: []any{"30"}}, false},
		"truth in":                {"vip", instrument.Condition{In: []any{true}}, true},
		"truth is no text":        {"vip", instrument.Condition{In: []any{"true", 1.0, false}}, false},
		"element in":              {"tags", instrument.Condition{In: []any{"sport"}}, true},
		"no element in":           {"tags", instrument.Condition{In: []any{"news", true}}, false},
		"nothing is in":           {"empty", instrument.Condition{In: []any{"sport"}}, false},
		"in of what is absent":    {"height", instrument.Condition{In: []any{"x"}}, false},
		"not in":                  {"country", instrument.Condition{NotIn: []any{"IE"}}, true},
		"not in, but is":          {"country", instrument.Condition{NotIn: []any{"gb"}}, false},
		"not in, but an element":  {"tags", instrument.Condition{NotIn: []any{7.0}}, false},
		"not in, empty":           {"empty", instrument.Condition{NotIn: []any{"sport"}}, true},
		"not in, absent":          {"height", instrument.Condition{NotIn: []any{"sport"}}, false},
		"absent":                  {"height", instrument.Condition{Absent: new(true)}, true},
		"null is absent":          {"gone", instrument.Condition{Absent: new(true)}, true},
		"absent, but there":       {"age", instrument.Condition{Absent: new(true)}, false},
		"there":                   {"age", instrument.Condition{Absent: new(false)}, true},
		"there, but absent":       {"height", instrument.Condition{Absent: new(false)}, false},
		"in, but not in":          {"tags", instrument.Condition{In: []any{"sport"}, NotIn: []any{false}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			catalog := instrument.NewCatalog([]instrument.Instrument{{ID: "i", Audience: map[string]instrument.Condition{c.attribute: c.condition}}})
			if got := len(ids(catalog, &instrument.Question{Now: noon, Viewer: viewer})) == 1; got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
			absent := c.condition.Absent != nil && *c.condition.Absent
			if got := len(ids(catalog, &instrument.Question{Now: noon})) == 1; got != absent {
				t.Errorf("for nobody: got %t, want %t", got, absent)
			}
		})
	}
}

func TestAudienceIsAllOfIt(t *testing.T) {
	c := instrument.NewCatalog([]instrument.Instrument{{ID: "i", Audience: map[string]instrument.Condition{
		"age": {Min: new(18.0)}, "country": {In: []any{"GB"}},
	}}})
	q := instrument.Question{Now: noon}
	for _, viewer := range []map[string]any{{"age": 20.0}, {"country": "GB"}, {"age": 20.0, "country": "IE"}} {
		if q.Viewer = viewer; ids(c, &q) != nil {
			t.Errorf("%v is of the audience", viewer)
		}
	}
	if q.Viewer = map[string]any{"age": 20.0, "country": "GB"}; ids(c, &q) == nil {
		t.Error("nobody is of the audience")
	}
}

func TestMediaAndPositions(t *testing.T) {
	c := instrument.NewCatalog([]instrument.Instrument{
		{ID: "all"},
		{ID: "cup", Media: []string{"cup", "other"}},
		{ID: "early", Positions: []timeline.Span{{From: 5000, Until: 6000}, {From: -1000, Until: 1000}}},
	})
	for name, x := range map[string]struct {
		media string
		at    timeline.Position
		want  [][]string
	}{
		"begin of a span":  {"m", -1000, [][]string{{"all"}, {"early"}}},
		"before it":        {"m", -1001, [][]string{{"all"}}},
		"end of a span":    {"m", 1000, [][]string{{"all"}}},
		"another span":     {"m", 5999, [][]string{{"all"}, {"early"}}},
		"named media":      {"cup", 2000, [][]string{{"all"}, {"cup"}}},
		"other media":      {"other", 0, [][]string{{"all"}, {"cup"}, {"early"}}},
		"other case":       {"CUP", 2000, [][]string{{"all"}}},
		"no media is said": {"", 2000, [][]string{{"all"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(x.want, ids(c, &instrument.Question{Now: noon, Media: x.media, Position: x.at})); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFlight(t *testing.T) {
	h := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	c := instrument.NewCatalog([]instrument.Instrument{
		{ID: "always"},
		{ID: "from 1", Flight: instrument.Flight{Start: h(1)}},
		{ID: "until 2", Flight: instrument.Flight{End: h(2)}},
		{ID: "within", Flight: instrument.Flight{Start: h(1), End: h(3)}},
	})
	for _, x := range []struct {
		now  time.Time
		want [][]string
	}{
		{h(0), [][]string{{"always"}, {"until 2"}}},
		{h(1).Add(-1), [][]string{{"always"}, {"until 2"}}},
		{h(1), [][]string{{"always"}, {"from 1"}, {"until 2"}, {"within"}}},
		{h(2).Add(-1), [][]string{{"always"}, {"from 1"}, {"until 2"}, {"within"}}},
		{h(2), [][]string{{"always"}, {"from 1"}, {"within"}}},
		{h(3), [][]string{{"always"}, {"from 1"}}},
		{h(2), [][]string{{"always"}, {"from 1"}, {"within"}}}, // a clock that was set back
		{h(0), [][]string{{"always"}, {"until 2"}}},
	} {
		if d := cmp.Diff(x.want, ids(c, &instrument.Question{Now: x.now})); d != "" {
			t.Errorf("%v: %s", x.now, d)
		}
	}
}

func TestPaced(t *testing.T) {
	even := instrument.Instrument{Pacing: "even", Flight: instrument.Flight{Start: noon, End: noon.Add(4 * time.Hour)}}
	for name, c := range map[string]struct {
		i    instrument.Instrument
		now  time.Time
		want float64
	}{
		"not paced":   {instrument.Instrument{Flight: even.Flight}, noon.Add(time.Hour), 1},
		"a quarter":   {even, noon.Add(time.Hour), 0.25},
		"begin":       {even, noon, 1 / float64(4*time.Hour)},
		"before":      {even, noon.Add(-time.Hour), 1 / float64(4*time.Hour)},
		"end":         {even, noon.Add(4 * time.Hour), 1},
		"after":       {even, noon.Add(5 * time.Hour), 1},
		"no flight":   {instrument.Instrument{Pacing: "even"}, noon, 1},
		"other zones": {even, noon.Add(2 * time.Hour).In(time.FixedZone("", 3600)), 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			if got := instrument.Paced(&c.i, c.now); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
