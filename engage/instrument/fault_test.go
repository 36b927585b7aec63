package instrument_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/engage/instrument"
)

const manyFaults = `instruments:
  - id: a
    type: banner
    payload:
    target: {any: [x]}
  - id: a
    type: poll
    payload: {}
    caps:
      per_viewer: -1
      total: 1.5
    flight: {start: 2026-11-23, end: 2026-11-23T14:00:00Z}
    targets: {any: [Person, 12], none: [PERSON]}
    budget: 5
    pacing: even
`

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := instrument.ParseFile([]byte(manyFaults))
	if err == nil {
		t.Fatal("no fault was found")
	}
	want := []string{
		`line 2: instruments[0]: has no payload: write what the app is to be given, {} where that is nothing`,
		`line 3: instruments[0].type: want one of advert, campaign, trivia, poll, quiz, offer, upsell, not "banner"`,
		`line 5: instruments[0].target: unknown key "target": remove it or correct its spelling; here can be id, type, payload, targets, audience, flight, media, positions, priority, caps, pacing, cost, budget`,
		`line 6: instruments[1].id: "a" is also the id of the instrument at line 2: give each its own`,
		`line 10: instruments[1].caps.per_viewer: want a whole number from 0 to 1000000000000000, not -1`,
		`line 11: instruments[1].caps.total: want a whole number from 0 to 1000000000000000, not 1.5`,
		`line 12: instruments[1].flight.start: want a time as RFC 3339 writes it, such as 2026-11-23T14:00:00Z, not "2026-11-23"`,
		`line 13: instruments[1].targets.any[1]: want text, not 12: put it in quotes`,
		`line 13: instruments[1].targets.none[0]: "PERSON" is also asked for: remove it here or there`,
		`line 14: instruments[1].budget: is never used up: give a cost above 0, such as cost: {click: 0.20}`,
	}
	if d := cmp.Diff(want, strings.Split(err.Error(), "\n")); d != "" {
		t.Error(d)
	}
}

func TestFileFaults(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"empty":              {"# nothing\n", `the file is empty: write "instruments: []" where there are to be none`},
		"no list":            {"{}", `line 1: has no list of instruments: write "instruments: []" where there are to be none`},
		"null list":          {"instruments:\n", `line 1: has no list of instruments: write "instruments: []" where there are to be none`},
		"a list at once":     {"- id: a\n", `line 1: want keys with values, not a list`},
		"not a list":         {"instruments: {a: 1}", `line 1: instruments: want a list, not keys with values`},
		"not an instrument":  {"instruments:\n- 5\n", `line 2: instruments[0]: want keys with values, not 5`},
		"unknown key":        {"instruments: []\nother: 1\n", `line 2: other: unknown key "other": remove it or correct its spelling; here can be instruments`},
		"not YAML":           {"instruments:\n  - id: [\n", "line 2: not YAML: did not find expected node content"},
		"two documents":      {"instruments: []\n---\ninstruments: []\n", "line 2: a second document: keep all instruments in one list"},
		"no id":              {"instruments:\n- {type: poll, payload: {}}\n", `line 2: instruments[0]: has no id: give it one of its own`},
		"id is a number":     {one("id: 7", "type: poll", "payload: {}"), `line 2: instruments[0].id: want text, not 7: put it in quotes`},
		"key twice":          {one("id: a", "type: poll", "payload: {}", "id: b"), `line 5: instruments[0].id: is there twice: keep one of both`},
		"key is a number":    {one("id: a", "type: poll", "payload: {}", "1: b"), `line 5: instruments[0]: want text for a key, not 1: put it in quotes`},
		"merged keys":        {one("id: a", "type: poll", "payload: {}", "<<: {media: [m]}"), `line 5: instruments[0]: keys cannot be merged with <<: write them out`},
		"payload infinite":   {one("id: a", "type: poll", "payload: [.inf]"), `line 4: instruments[0].payload[0]: .inf is not a number that JSON can hold: remove it`},
		"payload with a tag": {one("id: a", "type: poll", "payload: {k: !secret x}"), `line 4: instruments[0].payload.k: tag !secret has no place here: remove it`},
		"payload key twice":  {one("id: a", "type: poll", "payload: {k: 1, k: 2}"), `line 4: instruments[0].payload.k: is there twice: keep one of both`},
		"payload key":        {one("id: a", "type: poll", "payload: {1: 2}"), `line 4: instruments[0].payload: want text for a key, not 1: put it in quotes`},
		"payload holds itself": {
			one("id: a", "type: poll", "payload: &x [*x]"),
			`line 4: instruments[0].payload` + strings.Repeat("[0]", 62) + `: nested more than 64 deep: nest it less`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := instrument.ParseFile([]byte(c.file))
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, %v\nwant %s", list, err, c.want)
			}
		})
	}
}

// one returns a file of one instrument.
func one(lines ...string) string {
	return "instruments:\n  - " + strings.Join(lines, "\n    ") + "\n"
}

func TestFaultOfOneKey(t *testing.T) {
	const bound = "1000000000000000"
	for name, c := range map[string]struct{ body, want string }{
		"type":                  {`"type":5`, `type: want one of advert, campaign, trivia, poll, quiz, offer, upsell, not 5`},
		"target empty":          {`"targets":{"any":[""]}`, `targets.any[0]: is empty: write 1 or more characters`},
		"target with a space":   {`"targets":{"any":["a "]}`, `targets.any[0]: begins or ends with a space: remove it`},
		"target null":           {`"targets":{"any":[null]}`, `targets.any[0]: want text, not null`},
		"targets too many":      {`"targets":{"all":["a"` + strings.Repeat(`,"a"`, 64) + `]}`, `targets.all: has 65 items: at most 64 can be`},
		"control character":     {`"media":["a\u0007b"]`, `media[0]: holds a control character: remove it`},
		"flight reversed":       {`"flight":{"start":"2026-11-23T14:00:00Z","end":"2026-11-23T14:00:00Z"}`, `flight.end: is not after the start: exchange them or move one`},
		"position decimals":     {`"positions":[{"from":0,"until":1.2345}]`, `positions[0].until: want a number of seconds with at most three decimals, not 1.2345`},
		"position exponent":     {`"positions":[{"from":0,"until":1e3}]`, `positions[0].until: want a number of seconds with at most three decimals, not 1e3`},
		"position text":         {`"positions":[{"from":"0","until":1}]`, `positions[0].from: want a number of seconds such as 40 or 61.25, not "0"`},
		"position without end":  {`"positions":[{"from":0}]`, `positions[0]: lacks from or until: give both, in seconds`},
		"position reversed":     {`"positions":[{"from":2,"until":1}]`, `positions[0].until: is not after from: exchange them or move one`},
		"priority":              {`"priority":2147483648`, `priority: want a whole number from -2147483648 to 2147483647, not 2147483648`},
		"cap":                   {`"caps":{"total":1e3}`, `caps.total: want a whole number from 0 to ` + bound + `, not 1e3`},
		"pacing":                {`"pacing":"fast"`, `pacing: want "even" (or no pacing at all), not "fast"`},
		"pacing without flight": {`"pacing":"even","caps":{"total":1},"flight":{"start":"2026-11-23T14:00:00Z"}`, `pacing: needs flight.start and flight.end: give both or remove it`},
		"pacing of nothing": {
			`"pacing":"even","caps":{"per_viewer":1},"flight":{"start":"2026-11-23T14:00:00Z","end":"2026-11-23T15:00:00Z"}`,
			`pacing: needs caps.total or a budget to spread: give one or remove it`,
		},
		"cost negative":          {`"cost":{"view":-1}`, `cost.view: want a number from 0 to ` + bound + `, not -1`},
		"cost of what":           {`"cost":{"dismiss":1}`, `cost.dismiss: unknown key "dismiss": remove it or correct its spelling; here can be decision, view, click, answer, convert`},
		"budget huge":            {`"budget":1e999`, `budget: 1e999 is beyond what a 64-bit number holds: write a smaller one`},
		"audience name":          {`"audience":{"":{"min":1}}`, `audience."": the attribute's name is empty: write 1 or more characters`},
		"condition of nothing":   {`"audience":{"a.b":{}}`, `audience."a.b": asks for nothing: write a condition such as {min: 18}, {in: [GB, IE]} or {absent: true}`},
		"condition is a scalar":  {`"audience":{"a":"GB"}`, `audience.a: want keys with values, not "GB"`},
		"condition null":         {`"audience":{"a":null}`, `audience.a: want keys with values, not null`},
		"condition in nothing":   {`"audience":{"a":{"in":[]}}`, `audience.a.in: is empty: write what there may be, or remove it`},
		"condition in a list":    {`"audience":{"a":{"in":[[1]]}}`, `audience.a.in[0]: want text, a number, true or false, not a list`},
		"condition is and in":    {`"audience":{"a":{"in":[1],"is":1}}`, `audience.a: is and in are the same: put all into in`},
		"condition is a list":    {`"audience":{"a":{"is":[1]}}`, `audience.a.is[0]: want text, a number, true or false, not a list`},
		"condition min above":    {`"audience":{"a":{"min":2,"max":1}}`, `audience.a: min is above max: exchange them`},
		"condition absent, more": {`"audience":{"a":{"absent":true,"min":1}}`, `audience.a: what is absent meets no other condition: remove absent or the others`},
		"condition absent":       {`"audience":{"a":{"absent":"yes"}}`, `audience.a.absent: want true or false, not "yes"`},
		"condition min":          {`"audience":{"a":{"min":"18"}}`, `audience.a.min: want a number, not "18"`},
		"other id":               {`"id":"b"`, `id: is "b", but the address says "x": leave it out or make both the same`},
		"key twice":              {`"priority":1,"priority":1`, `priority: is there twice: keep one of both`},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"payload":{},` + c.body + `}`
			if name != "type" {
				body = `{"type":"poll",` + body[1:]
			}
			i, err := instrument.Parse("x", []byte(body))
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, %v\nwant %s", i, err, c.want)
			}
		})
	}
}

func TestBodyFaults(t *testing.T) {
	for name, c := range map[string]struct{ id, body, want string }{
		"empty":       {"x", "", "not JSON at byte 0: unexpected end of JSON input"},
		"cut off":     {"x", `{"type":`, "not JSON at byte 8: unexpected end of JSON input"},
		"more":        {"x", `{} {}`, "not JSON at byte 4: invalid character '{' after top-level value"},
		"not UTF-8":   {"x", "\"\xff\"", "the text is not UTF-8: save it as UTF-8"},
		"list":        {"x", `[]`, "want keys with values, not a list"},
		"null":        {"x", `null`, "want keys with values, not null"},
		"no type":     {"x", `{"payload":1}`, "has no type: give it one of advert, campaign, trivia, poll, quiz, offer, upsell"},
		"no id":       {"", `{"type":"poll","payload":1}`, "id: is empty: write 1 or more characters"},
		"long id":     {strings.Repeat("é", 129), `{"type":"poll","payload":1}`, "id: has 129 characters: shorten it to 128"},
		"id":          {"a\nb", `{"type":"poll","payload":1}`, "id: holds a control character: remove it"},
		"deep":        {"x", `{"payload":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`, "nested more than 64 deep: nest it less"},
		"big payload": {"x", `{"type":"poll","payload":"` + strings.Repeat("a", 16<<10) + `"}`, "payload: is 16386 bytes of JSON: shorten it to 16384"},
	} {
		t.Run(name, func(t *testing.T) {
			i, err := instrument.Parse(c.id, []byte(c.body))
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, %v\nwant %s", i, err, c.want)
			}
		})
	}
}

// Every value is the next one's nine times over: 9 to the 12th of them.
func TestSharedValuesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("instruments:\n  - id: a\n    type: poll\n    payload:\n      a0: &a0 x\n")
	for i := range 12 {
		n := string(rune('a' + i))
		last := "*" + map[bool]string{true: "a0", false: string(rune('a'+i-1)) + "1"}[i == 0]
		b.WriteString("      " + n + ": &" + n + "1 [" + strings.Repeat(last+", ", 8) + last + "]\n")
	}
	if _, err := instrument.ParseFile([]byte(b.String())); err == nil || !strings.Contains(err.Error(), "more than 100000 values by reference") {
		t.Errorf("got %.200v", err)
	}
}
