package main

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"spotter/httpapi"
	"spotter/internal/awsfault"
	"spotter/internal/awslocal"
	"spotter/store"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// stating returns the states of a box with the media m, of which [0, 5) was analysed, and their table.
func stating(t *testing.T) (*states, *store.Store) {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "db"), store.Options{Sinks: []store.Sink{{Name: dynamoDBSink, Kind: store.Observations}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Record(store.Batch{Media: "m", Analyzed: []timeline.Span{{Until: 5000}}}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	metrics := newMeters(prometheus.NewRegistry()).stream("m")
	x := newStream(&pipeline{
		media: mediaConfig{ID: "m"}, recognizers: &recognizers{}, recorder: s, metrics: metrics, faults: newFaultLog(log, metrics.fault), log: log,
	}, nil, nil)
	table := &dynamodb.Table{Client: awslocal.Table(t, awslocal.DynamoDB(t), "observations"), Name: "observations"}
	all := &streams{store: s}
	all.publish([]*stream{x})
	return &states{
		table: table, streams: all, store: s, maxScene: 30 * time.Second, log: log,
	}, s
}

// TestStatesAfterAClockThatWasAhead: the box that wrote the table before, or this one before its clock was set right, was an
// hour ahead. What is true now is written all the same.
func TestStatesAfterAClockThatWasAhead(t *testing.T) {
	t.Parallel()
	s, recorded := stating(t)
	ahead := &dynamodb.State{
		Status: httpapi.Status{Media: "m", State: httpapi.StateLive}, Analyzed: []timeline.Span{{Until: 1000}}, Updated: time.Now().Add(time.Hour),
	}
	if err := s.table.PutState(t.Context(), ahead); err != nil {
		t.Fatal(err)
	}
	for until := timeline.Position(5000); until < 8000; until += 1000 {
		if err := recorded.Record(store.Batch{Media: "m", Analyzed: []timeline.Span{{Until: until}}}); err != nil {
			t.Fatal(err)
		}
		if err := s.write(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, err := s.table.States(t.Context())
		if err != nil || len(list) != 1 || list[0].Status.AnalyzedUntil == nil || *list[0].Status.AnalyzedUntil != until {
			t.Errorf("%v: the table has %+v, want what was analysed until %v", err, list, until)
		}
	}
}

// TestStatesOfWhatHasExpired: where the table's items have expired, the table does not say that all was analysed: nobody would
// be seen there, for sure.
func TestStatesOfWhatHasExpired(t *testing.T) {
	t.Parallel()
	s, recorded := stating(t)
	s.table.TTL = 24 * time.Hour
	seen := func(from, until timeline.Position, age time.Duration) *timeline.Observation {
		return &timeline.Observation{Media: "m", Span: timeline.Span{From: from, Until: until}, Source: "onnx", At: time.Now().Add(-age)}
	}
	err := recorded.Record(store.Batch{Media: "m", Analyzed: []timeline.Span{{Until: 9000}}, Observations: []*timeline.Observation{
		seen(0, 2000, 30*time.Hour), seen(2000, 4000, 25*time.Hour), seen(4000, 9000, 23*time.Hour),
	}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := recorded.Pending(dynamoDBSink, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if err := recorded.Done(dynamoDBSink, e.Seq); err != nil {
			t.Fatal(err)
		}
	}
	earlier := &dynamodb.State{
		Status: httpapi.Status{Media: "m"}, Analyzed: []timeline.Span{{From: -9000, Until: 3000}}, Updated: time.Now().Add(-25 * time.Hour),
	}
	if err := s.table.PutState(t.Context(), earlier); err != nil {
		t.Fatal(err)
	}
	if err := s.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	states, err := s.table.States(t.Context())
	if err != nil || len(states) != 1 {
		t.Fatal(states, err)
	}
	if diff := cmp.Diff([]timeline.Span{{From: 4000, Until: 9000}}, states[0].Analyzed); diff != "" {
		t.Errorf("analysed (-want +got):\n%s", diff)
	}
}

// TestStatesBesideAForeignItem: an item among the states that nobody can read costs neither the box's other media nor who
// looks them up.
func TestStatesBesideAForeignItem(t *testing.T) {
	t.Parallel()
	s, _ := stating(t)
	_, err := s.table.Client.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: &s.table.Name, Item: map[string]types.AttributeValue{
		"media_id": &types.AttributeValueMemberS{Value: "spotter:media"}, "media_time_position": &types.AttributeValueMemberN{Value: "1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(t.Context()); awsfault.KindOf(err) != awsfault.Refused {
		t.Errorf("%v, want it to name the item", err)
	}
	v := dynamodb.NewView(s.table, dynamodb.ViewOptions{})
	tl, err := v.Timeline("m", timeline.Span{Until: 4000})
	if err != nil || !tl.Complete(timeline.Span{Until: 4000}) {
		t.Errorf("look-up beside it: %v", err)
	}
}
