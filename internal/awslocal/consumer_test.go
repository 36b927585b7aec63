package awslocal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"spotter/internal/awslocal"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// maxScene is as long as the scenes of event last at most.
const maxScene = 30_000

// event returns n scenes of random length. Some touch, some lie apart and some overlap; few names and ids make for
// entities that are one by id and two by name, and the other way round. Their URLs are so long that a query of all of
// them has several pages.
func event(random *rand.Rand, media string, n int) []*timeline.Observation {
	sources := []string{timeline.SourceRekognition, timeline.SourceONNX, timeline.SourceClassic}
	confidence := func() float64 { return 50 + float64(random.IntN(20))/8 } // equal ones among them
	var all []*timeline.Observation
	from := timeline.Position(-60_000)
	for i := range n {
		o := &timeline.Observation{
			Media: media, Source: sources[random.IntN(len(sources))], Revision: 1 + random.IntN(3),
			Span: timeline.Span{From: from, Until: from + 1 + timeline.Position(random.IntN(maxScene))},
		}
		for range random.IntN(4) {
			person := timeline.Entity{Name: fmt.Sprint("Zoë ", random.IntN(9)), Confidence: confidence()}
			if random.IntN(3) > 0 {
				person.ID = fmt.Sprint("id", random.IntN(9))
				person.URLs = []string{"www.example.com/" + strings.Repeat("x", 4000), fmt.Sprint("www.example.com/", i)}
			}
			o.Celebrities = append(o.Celebrities, person)
		}
		for range random.IntN(5) {
			o.Objects = append(o.Objects, timeline.Entity{Name: fmt.Sprint("Object ", random.IntN(12)), Confidence: confidence()})
		}
		all = append(all, o)
		switch random.IntN(4) {
		case 0:
			from = o.Until + timeline.Position(random.IntN(60_000))
		case 1:
			from = o.From + 1 + timeline.Position(random.IntN(int(o.Len())))
		default:
			from = o.Until
		}
	}
	return all
}

type query struct {
	Media string `json:"media"`
	timeline.Span
}

// windows returns n random windows of an event, and one of all of it. Many begin or end where a scene does.
func windows(random *rand.Rand, all []*timeline.Observation, n int) []query {
	end := all[len(all)-1].Until
	list := []query{{all[0].Media, timeline.Span{From: all[0].From, Until: end}}}
	edge := func() timeline.Position {
		o := all[random.IntN(len(all))]
		switch random.IntN(4) {
		case 0:
			return o.From
		case 1:
			return o.Until
		case 2:
			return o.Until - 1
		default:
			return all[0].From - 60_000 + timeline.Position(random.Int64N(int64(end-all[0].From)+120_000))
		}
	}
	for len(list) < n {
		from := edge()
		until := from + timeline.Position(random.IntN(90_000))
		if random.IntN(3) == 0 {
			until = max(from, min(edge(), from+600_000))
		}
		list = append(list, query{all[0].Media, timeline.Span{From: from, Until: until}})
	}
	return list
}

// TestConsumer has boto3 read what Spotter writes as the table's consumers do: each window is what the box says of it.
func TestConsumer(t *testing.T) {
	t.Parallel()
	const table = "celebrity_object_in_media_stream"
	python := awslocal.Python(t)
	endpoint := awslocal.DynamoDB(t)
	random := rand.New(rand.NewPCG(5, 2026))
	written := dynamodb.Table{Client: awslocal.Table(t, endpoint, table), Name: table, Region: awslocal.Region}
	all := event(random, "cup-final", 500)
	for _, o := range append(event(random, "cup-final-2", 20), all...) {
		if err := written.Put(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	queries := windows(random, all, 200)
	var input, errors bytes.Buffer
	for _, q := range queries {
		if err := json.NewEncoder(&input).Encode(q); err != nil {
			t.Fatal(err)
		}
	}

	cmd := exec.CommandContext(t.Context(), python, awslocal.Script(t, "consumer", "window.py"), table, fmt.Sprint(maxScene/1000))
	cmd.Env = append(os.Environ(), awslocal.Environ(endpoint)...)
	cmd.Stdin, cmd.Stderr = &input, &errors
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("window.py: %v\n%s", err, errors.String())
	}

	box := timeline.New(all, nil)
	answers := json.NewDecoder(bytes.NewReader(output))
	for _, q := range queries {
		var got, want timeline.Context
		if err := answers.Decode(&got); err != nil {
			t.Fatalf("answer for %v: %v", q.Span, err)
		}
		box.Context(&want, q.Span)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("window %v (-box +consumer):\n%s", q.Span, diff)
		}
	}
	if answers.More() {
		t.Error("more answers than questions")
	}
}
