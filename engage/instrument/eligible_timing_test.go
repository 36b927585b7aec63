package instrument_test

import (
	"fmt"
	"testing"
	"time"

	"spotter/engage/instrument"
	"spotter/timeline"
)

// shop is n instruments of which one in a hundred has a target on screen and one in a hundred has no target, and a question
// with 20 entities on screen, half of them people. Names are of the script that base begins.
func shop(n int, base string) (*instrument.Catalog, *instrument.Question) {
	list := make([]instrument.Instrument, n)
	for i := range list {
		list[i] = instrument.Instrument{
			ID: fmt.Sprint("i", i), Priority: i % 5,
			Targets:  instrument.Targets{Any: []string{fmt.Sprint(base, " of the team ", i), fmt.Sprint("Thing ", i)}, None: []string{"Weapon"}},
			Audience: map[string]instrument.Condition{"age": {Min: new(18.0)}, "country": {In: []any{"IE", "GB"}}},
			Flight:   instrument.Flight{Start: noon.Add(-time.Hour), End: noon.Add(time.Hour)},
		}
		switch {
		case i%100 == 0:
			list[i].Targets.Any = nil
		case i%3 == 0:
			list[i].Media = []string{"cup-final", fmt.Sprint("m", i)}
		}
	}
	var celebrities, objects []timeline.Entity
	for i := range 10 {
		celebrities = append(celebrities, timeline.Entity{Name: fmt.Sprint(base, " OF THE TEAM ", i*n/10+1), ID: fmt.Sprint("4xY9q", i)})
		objects = append(objects, timeline.Entity{
			Name: fmt.Sprint("Label ", i), Parents: []string{"Furniture", "Room"}, Aliases: []string{fmt.Sprint("Also ", i)},
		})
	}
	return instrument.NewCatalog(list), &instrument.Question{
		Media: "cup-final", Position: 50_000, Now: noon, Look: screen(celebrities, objects),
		Viewer: map[string]any{"age": 30.0, "country": "GB", "plan": "gold", "tags": []any{"sport"}},
	}
}

// BenchmarkEligible is one question to so many instruments, with 20 entities on screen.
func BenchmarkEligible(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		for name, base := range map[string]string{"latin": "Player", "greek": "Παίκτης"} {
			b.Run(fmt.Sprint(n, " ", name), func(b *testing.B) {
				c, q := shop(n, base)
				list := c.Eligible(nil, q)
				b.ReportAllocs()
				for b.Loop() {
					list = c.Eligible(list[:0], q)
				}
				b.ReportMetric(float64(len(list)), "matches")
			})
		}
	}
}

func BenchmarkParseFile(b *testing.B) {
	b.SetBytes(int64(len(fullYAML)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := instrument.ParseFile([]byte(fullYAML)); err != nil {
			b.Fatal(err)
		}
	}
}
