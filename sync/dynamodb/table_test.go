package dynamodb_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"spotter/internal/awsfault"
	"spotter/internal/awslocal"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// TestTable runs one suite on a table in memory and on DynamoDB Local.
func TestTable(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		suite(t, func(*testing.T) *dynamodb.Table { return &dynamodb.Table{Client: newMemory(), Name: "observations"} })
	})
	t.Run("DynamoDB Local", func(t *testing.T) {
		endpoint := awslocal.DynamoDB(t)
		tables := 0
		suite(t, func(t *testing.T) *dynamodb.Table {
			tables++
			name := fmt.Sprint("observations-", tables)
			return &dynamodb.Table{Client: awslocal.Table(t, endpoint, name), Name: name, Region: awslocal.Region}
		})
	})
}

func suite(t *testing.T, table func(t *testing.T) *dynamodb.Table) {
	for name, check := range map[string]func(*testing.T, *dynamodb.Table){
		"revisions": checkRevisions, "foreign items": checkForeign, "round trip": checkRoundTrip, "windows": checkWindows, "pages": checkPages,
		"twins": checkTwins, "twins in any order": checkTwinsInAnyOrder, "sizes": checkSizes,
		"states": checkStates, "too much of a state": checkLongState, "check": checkCheck, "lease": checkLease,
	} {
		t.Run(name, func(t *testing.T) { check(t, table(t)) })
	}
}

// put puts observations, all of which are to succeed.
func put(t *testing.T, tab *dynamodb.Table, list ...*timeline.Observation) {
	t.Helper()
	for _, o := range list {
		if err := tab.Put(t.Context(), o); err != nil {
			t.Fatalf("put revision %d of %v: %v", o.Revision, o.From, err)
		}
	}
}

// scene is an observation as the store keeps it.
func scene(source string, revision int, from, until timeline.Position, open bool) *timeline.Observation {
	return &timeline.Observation{
		Media: "cup-final", Span: timeline.Span{From: from, Until: until}, Source: source, Revision: revision, Open: open,
		At: time.Date(2026, 11, 23, 14, 0, 2, 0, time.UTC), Celebrities: []timeline.Entity{},
		Objects: []timeline.Entity{{Name: source, Confidence: 90}},
	}
}

func checkRevisions(t *testing.T, tab *dynamodb.Table) {
	for _, step := range []struct {
		revision  int
		until     timeline.Position
		open      bool
		wantUntil timeline.Position
		want      int
	}{
		{2, 4000, true, 4000, 2},
		{2, 4000, true, 4000, 2},
		{2, 9000, true, 9000, 2},  // it lasts
		{2, 4000, true, 9000, 2},  // an earlier state of it, late
		{1, 99000, true, 9000, 2}, // an older revision, late
		{10, 9000, false, 9000, 10},
		{9, 9999, true, 9000, 10},
	} {
		put(t, tab, scene("onnx", step.revision, 1000, step.until, step.open))
		got, err := tab.Get(t.Context(), "cup-final", 1000)
		if err != nil || got.Revision != step.want || got.Until != step.wantUntil || got.Open != (step.want == 2) {
			t.Errorf("after %+v the table has %+v, %v", step, got, err)
		}
	}
	if got, err := tab.Get(t.Context(), "cup-final", 1001); got != nil || err != nil {
		t.Errorf("where there is nothing: %v, %v", got, err)
	}
}

// checkForeign writes items that Spotter does not write.
func checkForeign(t *testing.T, tab *dynamodb.Table) {
	write := func(i attributes) {
		i["media_id"], i["media_time_position"] = &types.AttributeValueMemberS{Value: "cup-final"}, &types.AttributeValueMemberN{Value: "4"}
		if _, err := tab.Client.PutItem(t.Context(), &sdk.PutItemInput{TableName: &tab.Name, Item: i}); err != nil {
			t.Fatal(err)
		}
	}
	write(attributes{"celeb_json": &types.AttributeValueMemberS{Value: "[]"}})
	_, err := tab.Query(t.Context(), "cup-final", timeline.Span{Until: 9000}, true)
	if err == nil || awsfault.KindOf(err) != awsfault.Refused || !strings.Contains(err.Error(), "cup-final at 4: media_time_until is not a number") {
		t.Errorf("an item without an end: %v", err)
	}
	put(t, tab, scene("onnx", 1, 4000, 5000, false)) // older than any
	if got, err := tab.Get(t.Context(), "cup-final", 4000); err != nil || got.Revision != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// random returns an observation of anything that an item carries.
func random(rng *rand.Rand) *timeline.Observation {
	words := []string{"Couch", "Zoë", `"quoted" <&> \`, "日本語", "", "a b"}
	word := func() string { return words[rng.IntN(len(words))] }
	list := func() (out []string) {
		for range rng.IntN(3) {
			out = append(out, word())
		}
		return out
	}
	o := scene([]string{"rekognition", "onnx", "classic"}[rng.IntN(3)], rng.IntN(20), timeline.Position(rng.Int64N(4e10)-2e10), 0, rng.IntN(2) == 0)
	o.Until = o.From + timeline.Position(rng.Int64N(30_000))
	o.At = time.Unix(rng.Int64N(1e10), rng.Int64N(1e9)).UTC()
	o.Objects = []timeline.Entity{}
	for n := range rng.IntN(4) {
		o.Celebrities = append(o.Celebrities, timeline.Entity{Name: word(), ID: word(), URLs: list(), Confidence: rng.Float64() * 100})
		o.Objects = append(o.Objects, timeline.Entity{
			Name: word() + strconv.Itoa(n), Parents: list(), Aliases: list(), Confidence: float64(rng.IntN(101)),
		})
	}
	return o
}

func checkRoundTrip(t *testing.T, tab *dynamodb.Table) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		want := random(rng)
		put(t, tab, want)
		got, err := tab.Get(t.Context(), want.Media, want.From)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
	}
}

func checkWindows(t *testing.T, tab *dynamodb.Table) {
	froms := []timeline.Position{-30_500, -1, 0, 1, 999, 1000, 2000, 10_000, 100_000, 3_600_000}
	shuffled := slices.Clone(froms)
	rand.New(rand.NewPCG(2, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for _, from := range shuffled {
		other := scene("onnx", 1, from, from+500, false)
		other.Media = "cup"
		put(t, tab, scene("onnx", 1, from, from+500, false), other)
	}
	for name, w := range map[string]timeline.Span{
		"all":           {From: -timeline.MaxPosition, Until: timeline.MaxPosition},
		"both ends":     {From: -1, Until: 1000},
		"between":       {From: 1001, Until: 1999},
		"one":           {From: 999, Until: 999},
		"nothing later": {From: 3_600_001, Until: timeline.MaxPosition},
		"reversed":      {From: 1000, Until: 0},
	} {
		t.Run(name, func(t *testing.T) {
			var want, got []timeline.Position
			for _, from := range froms {
				if from >= w.From && from <= w.Until {
					want = append(want, from)
				}
			}
			for _, strong := range []bool{true, false} {
				list, err := tab.Query(t.Context(), "cup-final", w, strong)
				got = nil
				for _, o := range list {
					got = append(got, o.From)
				}
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Errorf("strong %v: %v (-want +got):\n%s", strong, err, diff)
				}
			}
		})
	}
}

// checkPages reads more than the megabyte that DynamoDB answers with at once.
func checkPages(t *testing.T, tab *dynamodb.Table) {
	const scenes = 40
	for n := range scenes {
		o := scene("onnx", 1, timeline.Position(n)*1000, timeline.Position(n)*1000+1000, false)
		o.Objects[0].Name = strings.Repeat("x", 60_000)
		put(t, tab, o)
	}
	list, err := tab.Query(t.Context(), "cup-final", timeline.Span{Until: scenes * 1000}, false)
	if err != nil || len(list) != scenes {
		t.Fatalf("%d of %d, %v", len(list), scenes, err)
	}
	for n, o := range list {
		if o.From != timeline.Position(n)*1000 {
			t.Errorf("at %d there is %v", n, o.From)
		}
	}
}

// checkSizes takes the largest observation, and holds the limit to the table's own.
func checkSizes(t *testing.T, tab *dynamodb.Table) {
	o := scene("onnx", 1, -41_275, 50_001, true)
	low, high := 0, 400<<10 // the name's length: the one is taken, the other refused
	for high-low > 1 {
		middle := (low + high) / 2
		o.Objects[0].Name = strings.Repeat("x", middle)
		if dynamodb.SizeOf(t, tab, o) <= dynamodb.MaxItem {
			low = middle
		} else {
			high = middle
		}
	}
	o.Objects[0].Name = strings.Repeat("x", low)
	put(t, tab, o)
	o.Objects[0].Name = strings.Repeat("x", high)
	o.Revision = 2
	if err := tab.Put(t.Context(), o); awsfault.KindOf(err) != awsfault.Refused || err == nil {
		t.Errorf("one byte too many: %v", err)
	}
	if _, local := tab.Client.(*sdk.Client); !local {
		return
	}
	for length, want := range map[int]bool{low: true, high: false} {
		o.Objects[0].Name = strings.Repeat("x", length)
		_, err := tab.Client.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String(tab.Name), Item: dynamodb.Encode(t, tab, o)})
		if (err == nil) != want {
			t.Errorf("DynamoDB takes %d bytes: %v", dynamodb.SizeOf(t, tab, o), err)
		}
	}
}
