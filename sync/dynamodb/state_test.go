package dynamodb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"spotter/httpapi"
	"spotter/internal/awsfault"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

var told = time.Date(2026, 11, 23, 14, 0, 0, 500e6, time.UTC)

func fullState(media string) dynamodb.State {
	edge, until, settled, started := timeline.Position(61_200), timeline.Position(60_000), timeline.Position(-500), told.Add(-time.Hour)
	return dynamodb.State{
		Status: httpapi.Status{
			Media: media, State: httpapi.StateLive, LiveEdge: &edge, AnalyzedUntil: &until, StartedAt: &started, Source: "rekognition",
			Faults: []httpapi.Fault{{At: told, Kind: "origin", Message: "it is away", Count: 3}},
		},
		Analyzed: []timeline.Span{{From: -5000, Until: 20_000}, {From: 30_000, Until: 60_000}},
		Breaks:   []timeline.Break{{ID: "7", Span: timeline.Span{From: 1500, Until: 31_500}}, {Span: timeline.Span{From: 40_000, Until: 40_000}, Open: true, Skipped: true}},
		Settled:  &settled, Clock: []byte(`{"zero":"first"}`), MaxScene: 30 * time.Second, Updated: told,
	}
}

func checkStates(t *testing.T, tab *dynamodb.Table) {
	if list, err := tab.States(t.Context()); len(list) != 0 || err != nil {
		t.Fatalf("of an empty table: %v, %v", list, err)
	}
	first, second := fullState("cup-final"), dynamodb.State{Status: httpapi.Status{Media: "alone", State: httpapi.StateWaiting}, Updated: told}
	older, newer := fullState("cup-final"), fullState("cup-final")
	older.Updated, older.Status.State = told.Add(-time.Millisecond), httpapi.StateEnded
	newer.Updated, newer.Status.State = told.Add(time.Millisecond), httpapi.StateStalled
	for _, s := range []*dynamodb.State{&first, &second, &older} {
		if err := tab.PutState(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	list, err := tab.States(t.Context())
	if diff := cmp.Diff([]dynamodb.State{second, first}, list); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := tab.PutState(t.Context(), &newer); err != nil {
		t.Fatal(err)
	}
	if list, err = tab.States(t.Context()); err != nil || list[1].Status.State != httpapi.StateStalled {
		t.Errorf("the newest is not there: %v, %v", list, err)
	}
	if list, err := tab.Query(t.Context(), "cup-final", timeline.Span{From: -timeline.MaxPosition, Until: timeline.MaxPosition}, true); len(list) > 0 || err != nil {
		t.Errorf("a query of the media sees %v, %v", list, err)
	}
}

// checkLongState puts more than an item takes.
func checkLongState(t *testing.T, tab *dynamodb.Table) {
	s := fullState("cup-final")
	s.Analyzed, s.Breaks = nil, nil
	for n := range timeline.Position(20_000) {
		s.Analyzed = append(s.Analyzed, timeline.Span{From: n * 2000, Until: n*2000 + 1000})
		if n%10 == 0 {
			s.Breaks = append(s.Breaks, timeline.Break{ID: strings.Repeat("<", 256), Span: timeline.Span{From: n * 2000, Until: n*2000 + 1000}})
		}
	}
	if err := tab.PutState(t.Context(), &s); err != nil {
		t.Fatal(err)
	}
	list, err := tab.States(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := list[0]
	spans, breaks := len(got.Analyzed), len(got.Breaks)
	if spans < 2000 || breaks < 50 {
		t.Errorf("%d spans and %d breaks are left", spans, breaks)
	}
	if diff := cmp.Diff(s.Analyzed[len(s.Analyzed)-spans:], got.Analyzed); diff != "" {
		t.Errorf("not the newest spans (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(s.Breaks[len(s.Breaks)-breaks:], got.Breaks); diff != "" {
		t.Errorf("not the newest breaks (-want +got):\n%s", diff)
	}
	s.Clock = make([]byte, dynamodb.MaxState)
	if err := tab.PutState(t.Context(), &s); err == nil || awsfault.KindOf(err) != awsfault.Refused {
		t.Errorf("a clock of %d bytes: %v", len(s.Clock), err)
	}
}

// TestStatesAreRefused has a table whose items at the keys of a state and of a lease are those of another media, and one that is none.
func TestStatesAreRefused(t *testing.T) {
	m := newMemory()
	tab := &dynamodb.Table{Client: m, Name: "observations"}
	write := func(partition string, i attributes) {
		i["media_id"], i["media_time_position"] = &types.AttributeValueMemberS{Value: partition}, &types.AttributeValueMemberN{Value: dynamodb.MediaHash("cup-final")}
		if _, err := m.PutItem(t.Context(), &sdk.PutItemInput{Item: i}); err != nil {
			t.Fatal(err)
		}
	}
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	zero := &types.AttributeValueMemberN{Value: "0"}
	refused := func(what string, err error, want string) {
		t.Helper()
		if err == nil || awsfault.KindOf(err) != awsfault.Refused || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	write("spotter:media", attributes{"media": text("other"), "updated": zero, "state_json": text("{")})
	write("spotter:lease", attributes{"media": text("other"), "owner": text("a"), "session": text("b"), "version": zero, "duration": zero})
	s := fullState("cup-final")
	refused("a state", tab.PutState(t.Context(), &s), "its key is that of other: rename one of the two media")
	_, err := tab.States(t.Context())
	refused("states", err, "spotter:media at "+dynamodb.MediaHash("cup-final")+": state_json: unexpected end")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = (&dynamodb.Lease{Table: tab, Media: "cup-final", Owner: "a"}).Run(ctx)
	refused("a lease", err, "put lease of cup-final in observations: its key is that of other")
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("the lease went on")
	}
}
