package instrument_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/engage/instrument"
	"spotter/timeline"
)

const fullYAML = `# All that can be said.
instruments:
  - id: all
    type: trivia
    payload: {text: "1 < 2 & 3", n: 1.50, big: 12345678901234567890, hex: 0x10, when: 2026-11-23, none: ~, yes: true, list: [1, {a: b}]}
    targets: {any: [Person, Jane Doe], all: [Couch], none: [Weapon]}
    audience:
      age: {min: 18, max: 30.5}
      country: {in: [GB, "12", 12, true]}
      tags: {not_in: [vip], absent: false}
      plan: {is: gold}
      left: {absent: true}
    flight: {start: 2026-11-23T14:00:00Z, end: "2026-11-23T18:00:00.5+01:00"}
    media: [cup-final]
    positions: [{from: 0, until: 61.25}, {from: -3.5, until: 1.000}]
    priority: -2
    caps: {per_viewer: 3, total: 100000}
    pacing: even
    cost: {decision: 0.001, view: 0.01, click: 0.2, answer: 1, convert: 5}
    budget: 1000
  - {id: least, type: advert, payload: {}}
`

const fullJSON = `{"id":"all","type":"trivia","payload":{"text":"1 < 2 & 3","n":1.50,"big":12345678901234567890,"hex":16,"when":"2026-11-23","none":null,"yes":true,"list":[1,{"a":"b"}]},` +
	`"targets":{"any":["Person","Jane Doe"],"all":["Couch"],"none":["Weapon"]},` +
	`"audience":{"age":{"min":18,"max":30.5},"country":{"in":["GB","12",12,true]},"left":{"absent":true},"plan":{"in":["gold"]},"tags":{"not_in":["vip"],"absent":false}},` +
	`"flight":{"start":"2026-11-23T14:00:00Z","end":"2026-11-23T18:00:00.5+01:00"},"media":["cup-final"],` +
	`"positions":[{"from":0.0,"until":61.25},{"from":-3.5,"until":1.0}],"priority":-2,"caps":{"per_viewer":3,"total":100000},"pacing":"even",` +
	`"cost":{"decision":0.001,"view":0.01,"click":0.2,"answer":1,"convert":5},"budget":1000}`

func full() instrument.Instrument {
	return instrument.Instrument{
		ID: "all", Type: "trivia",
		Payload: json.RawMessage(`{"text":"1 < 2 & 3","n":1.50,"big":12345678901234567890,"hex":16,"when":"2026-11-23","none":null,"yes":true,"list":[1,{"a":"b"}]}`),
		Targets: instrument.Targets{Any: []string{"Person", "Jane Doe"}, All: []string{"Couch"}, None: []string{"Weapon"}},
		Audience: map[string]instrument.Condition{
			"age":     {Min: new(18.0), Max: new(30.5)},
			"country": {In: []any{"GB", "12", 12.0, true}},
			"tags":    {NotIn: []any{"vip"}, Absent: new(false)},
			"plan":    {In: []any{"gold"}},
			"left":    {Absent: new(true)},
		},
		Flight: instrument.Flight{
			Start: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC), End: time.Date(2026, 11, 23, 17, 0, 0, 500_000_000, time.UTC),
		},
		Media: []string{"cup-final"}, Positions: []timeline.Span{{From: 0, Until: 61_250}, {From: -3500, Until: 1000}},
		Priority: -2, Caps: instrument.Caps{PerViewer: 3, Total: 100_000}, Pacing: "even",
		Cost: instrument.Cost{Decision: 0.001, View: 0.01, Click: 0.2, Answer: 1, Convert: 5}, Budget: 1000,
	}
}

func TestParseFile(t *testing.T) {
	want := []instrument.Instrument{full(), {ID: "least", Type: "advert", Payload: json.RawMessage(`{}`)}}
	got, err := instrument.ParseFile([]byte(fullYAML))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParse(t *testing.T) {
	got, err := instrument.Parse("all", []byte(fullJSON))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(full(), got); d != "" {
		t.Error(d)
	}
	b, err := got.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(fullJSON, string(b)); d != "" {
		t.Error(d)
	}
}

func TestMarshalLeast(t *testing.T) {
	b, err := json.Marshal([]instrument.Instrument{{
		ID: "a", Type: "poll", Payload: json.RawMessage(`{}`),
		Targets: instrument.Targets{Any: []string{}}, Audience: map[string]instrument.Condition{},
	}})
	if want := `[{"id":"a","type":"poll","payload":{}}]`; err != nil || string(b) != want {
		t.Errorf("got %s, %v, want %s", b, err, want)
	}
}

func TestPayloadIsKept(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"numbers":            {`{"n": [1.0, 1e400, -0, 0.10]}`, `{"n":[1.0,1e400,-0,0.10]}`},
		"escapes":            {`{"s": "\u00e9\/ <&>"}`, `{"s":"\u00e9\/ <&>"}`},
		"order, even twice":  {"{\n\"b\" : 1 ,\r\n\t\"a\":2,\"b\":3}", `{"b":1,"a":2,"b":3}`},
		"text":               {`"hello"`, `"hello"`},
		"list":               {` [ ] `, `[]`},
		"false":              {`false`, `false`},
		"null inside":        {`{"a":null}`, `{"a":null}`},
		"spaces inside text": {`"a  b , c : d"`, `"a  b , c : d"`},
	} {
		t.Run(name, func(t *testing.T) {
			i, err := instrument.Parse("x", []byte(`{"type": "poll", "payload": `+c.body+`}`))
			if err != nil || string(i.Payload) != c.want {
				t.Errorf("got %s, %v, want %s", i.Payload, err, c.want)
			}
		})
	}
}

func TestPayloadOfYAML(t *testing.T) {
	for name, c := range map[string]struct{ value, want string }{
		"other numbers": {"[0x1F, 0o17, 1_000, +5, .5, 1e3, -0.0]", `[31,15,1000,5,0.5,1e3,-0.0]`},
		"words":         {"[yes, no, on, True, NULL, ~]", `["yes","no","on",true,null,null]`},
		"times":         {"[2026-11-23T14:00:00Z, 12:30, 2026-11-23]", `["2026-11-23T14:00:00Z","12:30","2026-11-23"]`},
		"text":          {`["a\"b\\\u2028<", 'it''s', !!str 5]`, `["a\"b\\\u2028<","it's","5"]`},
		"block":         {"|\n      two\n      lines\n", `"two\nlines\n"`},
		"reference":     {"{a: &x [1], b: *x}", `{"a":[1],"b":[1]}`},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := instrument.ParseFile([]byte("instruments:\n  - id: a\n    type: poll\n    payload: " + c.value + "\n"))
			if err != nil || string(list[0].Payload) != c.want {
				t.Errorf("got %v, %v, want %s", list, err, c.want)
			}
		})
	}
}

func TestManyInstruments(t *testing.T) {
	file := func(n int) []byte {
		var b strings.Builder
		b.WriteString("instruments:\n")
		for i := range n {
			fmt.Fprintf(&b, "- {id: i%d, type: quiz, payload: {}}\n", i)
		}
		return []byte(b.String())
	}
	if list, err := instrument.ParseFile(file(10_000)); err != nil || len(list) != 10_000 {
		t.Errorf("got %d instruments, %v", len(list), err)
	}
	_, err := instrument.ParseFile(file(10_001))
	want := instrument.Faults{{Line: 2, Path: "instruments", Text: "has 10001 items: at most 10000 can be"}}
	if d := cmp.Diff(error(want), err); d != "" {
		t.Error(d)
	}
}

func TestFaultsAreAnError(t *testing.T) {
	_, err := instrument.Parse("a", []byte(`{}`))
	var faults instrument.Faults
	if !errors.As(err, &faults) || len(faults) != 2 {
		t.Errorf("got %v, want two faults", err)
	}
}
