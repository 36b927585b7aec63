package instrument

import "slices"

// Bounds of what ParseFile and Parse take.
const (
	maxInstruments = 10_000
	maxPayload     = 16 << 10 // bytes of JSON without spaces
	maxID          = 128      // characters
	maxTargets     = 64       // of each of the three lists
	maxWord        = 256      // characters of a target, an attribute's name or a media's id
	maxItems       = 256      // of any other list, and of the audience
)

// types are the instruments that there are.
var types = [...]string{"advert", "campaign", "trivia", "poll", "quiz", "offer", "upsell"}

// ParseFile reads a YAML file whose only key, instruments, is a list of instruments. Where anything is wrong it returns all
// of it as Faults and no instruments.
func ParseFile(text []byte) ([]Instrument, error) {
	root, faults := fromYAML(text)
	if faults != nil {
		return nil, faults
	}
	var r reader
	all := r.file(value{node: root})
	if err := r.faults.err(); err != nil {
		return nil, err
	}
	return all, nil
}

// Parse reads one instrument as a JSON object; an id in it must be the one given. The payload's text is kept but for the
// spaces between its parts. Where anything is wrong Parse returns all of it as Faults.
func Parse(id string, json []byte) (Instrument, error) {
	var r reader
	if why := unfit(id, maxID); why != "" {
		r.faults = append(r.faults, Fault{Path: "id", Text: why})
	}
	root, err := fromJSON(json)
	if err != nil {
		r.faults = append(r.faults, Fault{Text: err.Error()})
		return Instrument{}, r.faults
	}
	v := value{node: root}
	i := r.instrument(v)
	if n := root.child("id"); n != nil && i.ID != "" && i.ID != id {
		r.fault(v.at("id", n), "is %q, but the address says %q: leave it out or make both the same", clip(i.ID), clip(id))
	}
	if err := r.faults.err(); err != nil {
		return Instrument{}, err
	}
	i.ID = id
	return i, nil
}

func (r *reader) file(v value) (all []Instrument) {
	r.fields(v, []field{{"instruments", func(v value) {
		first := make(map[string]int)
		r.list(v, maxInstruments, func(v value) {
			i := r.instrument(v)
			all = append(all, i)
			id := v.child("id")
			if v.kind == kindObject && id == nil {
				r.fault(v, "has no id: give it one of its own")
			}
			if i.ID == "" {
				return
			}
			if line, ok := first[i.ID]; ok {
				r.fault(v.at("id", id), "%q is also the id of the instrument at line %d: give each its own", clip(i.ID), line)
				return
			}
			first[i.ID] = id.line
		})
	}}})
	if v.kind == kindObject && v.child("instruments") == nil {
		r.fault(v, "has no list of instruments: write \"instruments: []\" where there are to be none")
	}
	return all
}

func (r *reader) instrument(v value) (i Instrument) {
	r.fields(v, []field{
		{"id", func(v value) { i.ID = r.word(v, maxID) }},
		{"type", func(v value) { i.Type = r.kind(v) }},
		{"payload", func(v value) {
			if i.Payload = r.json(v); len(i.Payload) > maxPayload {
				r.fault(v, "is %d bytes of JSON: shorten it to %d", len(i.Payload), maxPayload)
			}
		}},
		{"targets", func(v value) { i.Targets = r.targets(v) }},
		{"audience", func(v value) { i.Audience = r.audience(v) }},
		{"flight", func(v value) { i.Flight = r.flight(v) }},
		{"media", func(v value) { i.Media = r.words(v, maxItems) }},
		{"positions", func(v value) { i.Positions = r.positions(v) }},
		{"priority", func(v value) { i.Priority = r.priority(v) }},
		{"caps", func(v value) { i.Caps = r.caps(v) }},
		{"pacing", func(v value) { i.Pacing = r.pacing(v) }},
		{"cost", func(v value) { i.Cost = r.cost(v) }},
		{"budget", func(v value) { i.Budget = r.amount(v) }},
	})
	if v.kind == kindObject {
		r.complete(v, &i)
	}
	return i
}

// complete notes what i lacks, and what of it does not go together.
func (r *reader) complete(v value, i *Instrument) {
	if v.child("type") == nil {
		r.fault(v, "has no type: give it one of %s", listed(types[:]))
	}
	if v.child("payload") == nil {
		r.fault(v, "has no payload: write what the app is to be given, {} where that is nothing")
	}
	if i.Budget > 0 && i.Cost == (Cost{}) {
		r.fault(v.at("budget", v.child("budget")), "is never used up: give a cost above 0, such as cost: {click: 0.20}")
	}
	if i.Pacing == "" {
		return
	}
	pacing := v.at("pacing", v.child("pacing"))
	if flight := v.child("flight"); flight.child("start") == nil || flight.child("end") == nil {
		r.fault(pacing, "needs flight.start and flight.end: give both or remove it")
	}
	if i.Caps.Total == 0 && i.Budget == 0 {
		r.fault(pacing, "needs caps.total or a budget to spread: give one or remove it")
	}
}

func (r *reader) kind(v value) string {
	if v.kind != kindText || !slices.Contains(types[:], v.text) {
		r.want(v, "one of "+listed(types[:]))
		return ""
	}
	return v.text
}

func (r *reader) pacing(v value) string {
	if v.kind != kindText || v.text != "even" {
		r.want(v, `"even" (or no pacing at all)`)
		return ""
	}
	return v.text
}
