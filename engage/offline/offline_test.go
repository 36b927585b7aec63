package offline_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/engage/ledger"
	"spotter/engage/offline"
	"spotter/engage/policy"
)

var start = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

func decision(n uint64, after time.Duration) *ledger.Record {
	return &ledger.Record{Number: n, Decision: &ledger.Decision{
		At: start.Add(after), Media: "live", Position: 41275, Viewer: ledger.Viewer{1, 0xff},
		Case: &policy.Case{
			Context: []policy.Feature{{Name: "country=GB", Value: 1}, {Name: "hour", Value: 0.5}},
			Arms:    []policy.Arm{{Instrument: "poll"}, {Instrument: "quiz <1>", Features: []policy.Feature{{Name: "type=quiz", Value: 1}}}},
		},
		Choice: 1, Propensity: 0.75, Policy: "linucb-64/1f3a9c20",
	}}
}

func event(n, of uint64, after time.Duration, kind string, reward float64) *ledger.Record {
	return &ledger.Record{Number: n, Event: &ledger.Event{At: start.Add(after), Decision: of, Type: kind, Value: 1, Reward: reward}}
}

func replay(records ...*ledger.Record) offline.Replay {
	return func(after uint64, f func(*ledger.Record) error) error {
		for _, r := range records {
			if r.Number > after {
				if err := f(r); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// summary is "number:reward:events" for each sample.
func summary(samples offline.Samples) (out []string, err error) {
	for s, err := range samples {
		if err != nil {
			return out, err
		}
		out = append(out, fmt.Sprintf("%d:%g:%d", s.Number, s.Reward, len(s.Events)))
	}
	return out, nil
}

func TestJoin(t *testing.T) {
	const window = 30 * time.Minute
	for _, c := range []struct {
		name    string
		records []*ledger.Record
		want    []string
	}{
		{"empty log", nil, nil},
		{"no event", []*ledger.Record{decision(1, 0)}, []string{"1:0:0"}},
		{"events add up", []*ledger.Record{decision(1, 0), event(2, 1, time.Second, "view", 0), event(3, 1, time.Minute, "answer", 0.25), event(4, 1, time.Minute, "click", 0.5)}, []string{"1:0.75:3"}},
		{"at most 1", []*ledger.Record{decision(1, 0), event(2, 1, 0, "click", 0.75), event(3, 1, 0, "convert", 0.75)}, []string{"1:1:2"}},
		{"the last moment counts", []*ledger.Record{decision(1, 0), event(2, 1, window, "click", 1)}, []string{"1:1:1"}},
		{"late", []*ledger.Record{decision(1, 0), event(2, 1, window+1, "click", 1)}, []string{"1:0:0"}},
		{"very late", []*ledger.Record{decision(1, 0), decision(2, 2*window), event(3, 1, 2*window, "click", 1)}, []string{"1:0:0", "2:0:0"}},
		{"unknown decision", []*ledger.Record{event(1, 7, 0, "click", 1), decision(2, 0), event(3, 1, 0, "click", 1)}, []string{"2:0:0"}},
		{"interleaved", []*ledger.Record{decision(1, 0), decision(2, 1), event(3, 2, 2, "click", 1), decision(4, 3), event(5, 1, 4, "click", 0.5)}, []string{"1:0.5:1", "2:1:1", "4:0:0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			samples := offline.Join(replay(c.records...), window)
			for range 2 { // samples can be iterated again
				got, err := summary(samples)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestJoinHoldsOneWindow(t *testing.T) {
	given, held := 0, 0
	samples := offline.Join(func(_ uint64, f func(*ledger.Record) error) error {
		for n := range 10_000 {
			held = max(held, n-given)
			if err := f(decision(uint64(n+1), time.Duration(n)*time.Second)); err != nil {
				return err
			}
		}
		return nil
	}, 10*time.Minute)
	for range samples {
		given++
	}
	if given != 10_000 || held > 11*60+1 {
		t.Errorf("%d decisions, %d held at once", given, held)
	}
}

func TestJoinStopsAndFails(t *testing.T) {
	broken := errors.New("broken")
	samples := offline.Join(func(_ uint64, f func(*ledger.Record) error) error {
		return errors.Join(f(decision(1, 0)), f(decision(2, time.Hour)), broken)
	}, time.Minute)
	got, err := summary(samples)
	if !errors.Is(err, broken) || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	for s := range offline.Join(replay(decision(1, 0), decision(2, time.Hour), decision(3, 2*time.Hour)), time.Minute) {
		if s.Number > 1 {
			t.Fatal("the iteration goes on after its end")
		}
		break
	}
}

func TestWriteNDJSON(t *testing.T) {
	anonymous := decision(3, time.Hour)
	anonymous.Decision.Viewer = ledger.Viewer{}
	anonymous.Decision.Case = &policy.Case{Context: []policy.Feature{{Name: "x", Value: math.NaN()}}, Arms: []policy.Arm{{Instrument: "poll"}}}
	anonymous.Decision.Choice = 0
	samples := offline.Join(replay(decision(1, 1500*time.Millisecond), event(2, 1, 4*time.Second, "click", 1), anonymous), time.Minute)
	want := `{"decision":1,"at":"2026-11-23T15:00:01.5Z","media":"live","position":41.275,"viewer":"01ff0000000000000000000000000000",` +
		`"context":[{"name":"country=GB","value":1},{"name":"hour","value":0.5}],` +
		`"arms":[{"id":"poll","features":[]},{"id":"quiz <1>","features":[{"name":"type=quiz","value":1}]}],` +
		`"choice":1,"propensity":0.75,"policy":"linucb-64/1f3a9c20","context_hash":"HASH","reward":1,` +
		`"events":[{"type":"click","value":1,"after_s":2.5}]}`
	want = strings.Replace(want, "HASH", fmt.Sprintf("%016x", offline.ContextHash(decision(1, 0).Decision.Case)), 1)
	var out bytes.Buffer
	if err := offline.WriteNDJSON(&out, samples); err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(out.String(), "\n")
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(second, `"viewer":"","context":[{"name":"x","value":0}]`) || !strings.HasSuffix(second, `"events":[]}`+"\n") {
		t.Errorf("the second line is %s", second)
	}
}

func TestContextHash(t *testing.T) {
	hash := func(features ...policy.Feature) uint64 { return offline.ContextHash(&policy.Case{Context: features}) }
	seen := map[uint64]bool{}
	for _, h := range []uint64{
		hash(),
		hash(policy.Feature{Name: "a", Value: 1}),
		hash(policy.Feature{Name: "a", Value: 2}),
		hash(policy.Feature{Name: "a", Value: 1}, policy.Feature{Name: "b", Value: 1}),
		hash(policy.Feature{Name: "b", Value: 1}, policy.Feature{Name: "a", Value: 1}),
	} {
		if seen[h] {
			t.Errorf("%016x twice", h)
		}
		seen[h] = true
	}
	if got := hash(); got != 0xef46db3751d8e999 { // of nothing, as xxHash's specification has it
		t.Errorf("%016x for an empty context", got)
	}
}

func TestWriteVW(t *testing.T) {
	r := decision(1, 0)
	r.Decision.Case.Context = append(r.Decision.Case.Context, policy.Feature{Name: "a b:c|d%\n", Value: 1}, policy.Feature{Value: -0.5})
	var out bytes.Buffer
	if err := offline.WriteVW(&out, offline.Join(replay(r, event(2, 1, 0, "click", 1), decision(3, 0)), time.Minute)); err != nil {
		t.Fatal(err)
	}
	want := "shared |c country=GB hour:0.5 a%20b%3Ac%7Cd%25%0A %:-0.5\n|a id=poll\n0:-1:0.75 |a id=quiz%20<1> type=quiz\n\n" +
		"shared |c country=GB hour:0.5\n|a id=poll\n0:0:0.75 |a id=quiz%20<1> type=quiz\n\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
