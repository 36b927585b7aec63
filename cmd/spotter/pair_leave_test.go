package main_test

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	main "spotter/cmd/spotter"
	"spotter/internal/awslocal"
	"spotter/store"
	cloudtable "spotter/sync/dynamodb"
	"spotter/timeline"
)

// twin is a table whose lease another box holds, unless it is away. It has no observations and counts those that are put.
type twin struct {
	mu       sync.Mutex
	away     bool
	renewals int
	puts     int
}

var errAway = errors.New("no route to host")

func (x *twin) set(away bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.away = away
}

func (x *twin) written() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.puts
}

// lease is the item of the other box, which has renewed it meanwhile.
func (x *twin) lease() map[string]types.AttributeValue {
	x.renewals++
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	return map[string]types.AttributeValue{
		"media": text("boxes"), "owner": text("the other box"), "session": text("another"),
		"version": &types.AttributeValueMemberN{Value: strconv.Itoa(x.renewals)}, "duration": &types.AttributeValueMemberN{Value: "2250"},
	}
}

func (x *twin) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.away {
		return nil, errAway
	}
	return &dynamodb.GetItemOutput{Item: x.lease()}, nil
}

func (x *twin) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.away {
		return nil, errAway
	}
	if media, ok := in.Item["media_id"].(*types.AttributeValueMemberS); ok && media.Value == "spotter:lease" {
		return nil, &types.ConditionalCheckFailedException{Item: x.lease()}
	}
	x.puts++
	return &dynamodb.PutItemOutput{}, nil
}

func (x *twin) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.away {
		return nil, errAway
	}
	return &dynamodb.QueryOutput{}, nil
}

func (x *twin) DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	return nil, errAway
}

// standby runs the box of a pair that does not pay, with a table and a topic, and sees the scene [0, 1) and its segment.
func standby(t *testing.T, x *twin) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "spotter.db"), store.Options{
		Sinks: []store.Sink{{Name: "dynamodb", Kind: store.Observations}, {Name: "sns", Kind: store.Segments}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	p := main.NewPair(&cloudtable.Table{Client: x, Name: tableName}, s, "dynamodb", "sns")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the pair ended: %v", err)
		}
	})
	return s
}

func sees(t *testing.T, s *store.Store, from timeline.Position) {
	t.Helper()
	err := s.Record(store.Batch{
		Media:        "cup",
		Observations: []*timeline.Observation{{Media: "cup", Span: timeline.Span{From: from, Until: from + second}, Source: "onnx", At: time.Now()}},
		Segments:     []store.Segment{{Media: "cup", URL: "https://origin.example/" + from.String(), From: from, Duration: time.Second}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func waits(t *testing.T, s *store.Store) (out [2]int) {
	t.Helper()
	return [2]int{s.Backlog("dynamodb").Entries, s.Backlog("sns").Entries}
}

// TestNothingIsLeftToNobody has the table away for minutes: no box pays then, so no box announces segments, and none may take
// them out of its outbox. The one that is second when the table is back leaves them to the other, but not at once.
func TestNothingIsLeftToNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := new(twin)
		s := standby(t, x)
		time.Sleep(time.Second)
		x.set(true)
		time.Sleep(5 * time.Second)
		sees(t, s, 0)
		time.Sleep(5 * time.Minute)
		if diff := cmp.Diff([2]int{1, 1}, waits(t, s)); diff != "" {
			t.Errorf("what waits while nobody pays (-want +got):\n%s", diff)
		}
		x.set(false)
		time.Sleep(10 * time.Second)
		if diff := cmp.Diff([2]int{1, 1}, waits(t, s)); diff != "" {
			t.Errorf("what waits when the other box has just begun to pay (-want +got):\n%s", diff)
		}
		time.Sleep(2 * time.Minute)
		if diff := cmp.Diff([2]int{0, 0}, waits(t, s)); diff != "" || x.written() != 1 {
			t.Errorf("what waits after two minutes (-want +got), and %d puts, want 1:\n%s", x.written(), diff)
		}
	})
}

// TestStandbyWritesNothingOfTheMoment: what the other box is about to write is left to it at every moment of a minute.
func TestStandbyWritesNothingOfTheMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := new(twin)
		s := standby(t, x)
		time.Sleep(30 * time.Second)
		for i := range 100 {
			sees(t, s, timeline.Position(i)*second)
			if waits(t, s)[0] > 80 {
				t.Fatalf("%v wait", waits(t, s))
			}
			before := x.written()
			time.Sleep(time.Second)
			if n := x.written() - before; n > 0 && waits(t, s)[0] < 14 {
				t.Errorf("%d puts, and only %d wait: want those of the last 15 s to wait", n, waits(t, s)[0])
			}
		}
	})
}

// TestPairOutlivesDisk has the store fail while a box is second: it takes part in the pair again.
func TestPairOutlivesDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standby(t, new(twin))
		time.Sleep(30 * time.Second)
		sees(t, s, 0)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute) // standby fails the test where the pair has ended
	})
}

// TestPairTellsRevision: a better answer of the same source as what stands is written, though all of its span is told of.
func TestPairTellsRevision(t *testing.T) {
	t.Parallel()
	endpoint := awslocal.DynamoDB(t)
	tab := &cloudtable.Table{Client: newTable(t, endpoint, tableName).client, Name: tableName}
	p := main.NewPair(tab, nil)
	o := &timeline.Observation{
		Media: "cup", Span: timeline.Span{Until: 5 * second}, Source: timeline.SourceRekognition, Revision: 2, At: kickOff,
		Celebrities: []timeline.Entity{}, Objects: []timeline.Entity{{Name: "Person", Confidence: 99}},
	}
	if err := p.Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	now := *o
	now.Revision, now.Celebrities = 3, []timeline.Entity{{Name: "Jane Doe", ID: "1abc", Confidence: 98}}
	if err := p.Put(t.Context(), &now); err != nil {
		t.Fatal(err)
	}
	got, err := tab.Get(t.Context(), "cup", 0)
	if diff := cmp.Diff(&now, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestPairDoublesNoScene has two boxes whose scenes began elsewhere, one of which began in the middle of a still scene. What
// the payer says of it in two scenes, of which the second goes on, the other does not say again.
func TestPairDoublesNoScene(t *testing.T) {
	t.Parallel()
	endpoint := awslocal.DynamoDB(t)
	items := newTable(t, endpoint, tableName)
	tab := &cloudtable.Table{Client: items.client, Name: tableName}
	seen := func(from, until timeline.Position, open bool) *timeline.Observation {
		return &timeline.Observation{
			Media: "cup", Span: timeline.Span{From: from, Until: until}, Source: timeline.SourceRekognition, Revision: 2, Open: open, At: kickOff,
			Celebrities: []timeline.Entity{}, Objects: []timeline.Entity{{Name: "Person", Confidence: 99}},
		}
	}
	for _, o := range []*timeline.Observation{seen(0, 30*second, false), seen(30*second, 50*second, true)} {
		if err := tab.Put(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	p := main.NewPair(tab, nil)
	if err := p.Put(t.Context(), seen(12*second, 42*second, false)); err != nil {
		t.Fatal(err)
	}
	if n := len(items.scenes("cup")); n != 2 {
		t.Errorf("%d scenes, want the payer's 2", n)
	}
	if err := p.Put(t.Context(), seen(30*second, 50*second, false)); err != nil { // the payer died
		t.Fatal(err)
	}
	if o, err := tab.Get(t.Context(), "cup", 30*second); err != nil || o.Open {
		t.Errorf("%v: %+v is open, want the scene closed", err, o)
	}
}

// TestPairKnowsLongScenes: the payer's scene lasts a sample longer than max_scene, and what the other box saw begin in that
// sample is told of all the same.
func TestPairKnowsLongScenes(t *testing.T) {
	t.Parallel()
	endpoint := awslocal.DynamoDB(t)
	items := newTable(t, endpoint, tableName)
	tab := &cloudtable.Table{Client: items.client, Name: tableName}
	seen := func(from, until timeline.Position) *timeline.Observation {
		return &timeline.Observation{Media: "cup", Span: timeline.Span{From: from, Until: until}, Source: timeline.SourceRekognition, Revision: 2, At: kickOff}
	}
	for _, o := range []*timeline.Observation{seen(0, 30_900), seen(30_900, 61_000)} {
		if err := tab.Put(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if err := main.NewPair(tab, nil).Put(t.Context(), seen(30_500, 60_500)); err != nil {
		t.Fatal(err)
	}
	if n := len(items.scenes("cup")); n != 2 {
		t.Errorf("%d scenes, want the payer's 2", n)
	}
}

// TestPairBesideAForeignItem: an item without what Spotter writes, such as the seed's, holds nothing back beside it.
func TestPairBesideAForeignItem(t *testing.T) {
	t.Parallel()
	endpoint := awslocal.DynamoDB(t)
	tab := &cloudtable.Table{Client: newTable(t, endpoint, tableName).client, Name: tableName}
	_, err := tab.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tab.Name, Item: map[string]types.AttributeValue{
		"media_id": &types.AttributeValueMemberS{Value: "cup"}, "media_time_position": &types.AttributeValueMemberN{Value: "2"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	o := &timeline.Observation{Media: "cup", Span: timeline.Span{From: 4 * second, Until: 5 * second}, Source: "onnx", Revision: 1, At: kickOff}
	if err := main.NewPair(tab, nil).Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got, err := tab.Get(t.Context(), "cup", o.From); got == nil || err != nil {
		t.Errorf("the table has %v, %v", got, err)
	}
}

// payers is a table in which the box that pays has told of the first 20 s in one scene.
type payers struct{ twin }

func (x *payers) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	number := func(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
	return &dynamodb.QueryOutput{Items: []map[string]types.AttributeValue{{
		"media_id": text("cup"), "media_time_position": number("0"), "media_time_until": number("20"),
		"timestamp": text(kickOff.Format(time.RFC3339Nano)), "confidence": number("0"), "source": text(timeline.SourceRekognition),
		"revision": number("2"), "celeb_json": text("[]"), "object_json": text("[]"),
	}}}, nil
}

// TestPairTellsEdits: what a person said of a scene at the box that does not pay is put in the table, though the other box has
// told of all its span in a scene that began elsewhere.
func TestPairTellsEdits(t *testing.T) {
	x := new(payers)
	p := main.NewPair(&cloudtable.Table{Client: x, Name: tableName}, nil)
	o := &timeline.Observation{
		Media: "cup", Span: timeline.Span{From: 5 * second, Until: 10 * second}, Source: timeline.SourceRekognition, Revision: 2, At: kickOff,
		Celebrities: []timeline.Entity{{Name: "Jane Doe", Confidence: 98}},
	}
	edited, err := timeline.Edited(o, timeline.Edit{Do: timeline.EditReject, Entity: timeline.Name{Name: "Jane Doe"}, Undo: "a", At: kickOff})
	if err != nil {
		t.Fatal(err)
	}
	for n, o := range []*timeline.Observation{o, edited} {
		if err := p.Put(t.Context(), o); err != nil || x.written() != n {
			t.Errorf("%d puts of %d edits: %v", x.written(), n, err)
		}
	}
}
