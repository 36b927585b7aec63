package instrument_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/engage/instrument"
)

// again checks that an instrument that was taken is taken again, and comes out the same, as it writes itself.
func again(t *testing.T, i instrument.Instrument) {
	t.Helper()
	if !json.Valid(i.Payload) {
		t.Fatalf("payload %q is not JSON", i.Payload)
	}
	b, err := i.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	j, err := instrument.Parse(i.ID, b)
	if err != nil {
		t.Fatalf("%s\n%v", b, err)
	}
	if d := cmp.Diff(i, j); d != "" {
		t.Fatal(d)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(fullJSON))
	f.Add([]byte(`{"type":"poll","payload":{"\ud800":[1e400,-0]},"audience":{"a":{"is":-0.0}},"targets":{"any":[],"all":["ſ"],"none":["S"]}}`))
	f.Add([]byte(`{"type":"poll","payload":[[[["deep"]]]],"flight":{"start":"0001-01-01T00:00:00Z"},"caps":null,"priority":-2147483648}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		i, err := instrument.Parse("all", body)
		if err != nil {
			if _, ok := err.(instrument.Faults); !ok || err.Error() == "" {
				t.Fatalf("error %T %q", err, err)
			}
			return
		}
		again(t, i)
	})
}

func FuzzParseFile(f *testing.F) {
	f.Add([]byte(fullYAML))
	f.Add([]byte(manyFaults))
	f.Add([]byte("instruments:\n- &a {id: a, type: poll, payload: [0x1F, .inf, 1_0, *a, !!int x, !!binary aGk=, ? [k] : v]}\n- <<: *a\n"))
	f.Add([]byte("{instruments: [{id: a, type: quiz, payload: &p {? a : *p}}]}\n---\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		list, err := instrument.ParseFile(file)
		if err != nil {
			if _, ok := err.(instrument.Faults); !ok || err.Error() == "" {
				t.Fatalf("error %T %q", err, err)
			}
			return
		}
		for _, i := range list {
			again(t, i)
		}
	})
}
