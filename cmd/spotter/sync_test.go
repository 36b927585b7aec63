package main_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"spotter/internal/awslocal"
	"spotter/timeline"
)

// tableName is the one that the configuration names when it names none.
const tableName = "celebrity_object_in_media_stream"

// table is one of DynamoDB Local's.
type table struct {
	t      *testing.T
	name   string
	client *dynamodb.Client
}

func newTable(t *testing.T, endpoint, name string) *table {
	t.Helper()
	return &table{t, name, awslocal.Table(t, endpoint, name)}
}

// scenes returns the spans and objects of the items of a media whose end is final.
func (f *table) scenes(media string) map[string]string {
	f.t.Helper()
	pages := dynamodb.NewQueryPaginator(f.client, &dynamodb.QueryInput{
		TableName:                 aws.String(f.name),
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("media_id = :media"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":media": &types.AttributeValueMemberS{Value: media}},
	})
	out := map[string]string{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(f.t.Context())
		if err != nil {
			f.t.Fatal(err)
		}
		for _, i := range page.Items {
			if revision, err := strconv.Atoi(number(f.t, i, "revision")); err != nil {
				f.t.Errorf("revision: %v", err)
			} else if revision > 1 {
				out[number(f.t, i, "media_time_position")] = number(f.t, i, "media_time_until") + " " + text(f.t, i, "source") + " " + text(f.t, i, "object_json")
			}
		}
	}
	return out
}

// number returns a number of an item, seconds as the box writes them.
func number(t *testing.T, item map[string]types.AttributeValue, name string) string {
	t.Helper()
	n, ok := item[name].(*types.AttributeValueMemberN)
	if !ok {
		t.Fatalf("%s is %T, want a number", name, item[name])
	}
	if p, err := timeline.ParsePosition(n.Value); err == nil && strings.HasPrefix(name, "media_time_") {
		return p.String()
	}
	return n.Value
}

func text(t *testing.T, item map[string]types.AttributeValue, name string) string {
	t.Helper()
	s, ok := item[name].(*types.AttributeValueMemberS)
	if !ok {
		t.Fatalf("%s is %T, want text", name, item[name])
	}
	return s.Value
}

// recorded returns the same of what the box has recorded.
func (b *box) recorded() map[string]string {
	b.t.Helper()
	out := map[string]string{}
	for _, o := range b.timeline("cup") {
		if o.Revision > 1 {
			out[o.From.String()] = fmt.Sprintf("%v %s %s", o.Until, o.Source, objects(o.Objects))
		}
	}
	return out
}

func objects(list []timeline.Entity) string {
	var parts []string
	for _, e := range list {
		parts = append(parts, fmt.Sprintf(`{"Name":%q,"Confidence":%v}`, e.Name, e.Confidence))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// TestSync has DynamoDB away for a while, and a restart in that time; in the end the table has what the box has.
func TestSync(t *testing.T) {
	t.Parallel()
	endpoint := awslocal.DynamoDB(t)
	items := newTable(t, endpoint, tableName)
	network := awslocal.Network(t, endpoint)
	o := newOrigin(t, 12, 5)
	conf := config(newData(t), eager, o.media(), "sync: {dynamodb: }")
	env := "AWS_ENDPOINT_URL_DYNAMODB=" + network.URL()
	same := func(b *box, least int) {
		t.Helper()
		eventually(t, fmt.Sprintf("the table has what the box has, %d scenes or more", least), func() bool {
			want := b.recorded()
			return len(want) >= least && cmp.Equal(want, items.scenes("cup"))
		})
	}

	b := start(t, conf, env)
	b.analyzed("cup", 3*second)
	same(b, 2)
	network.Cut()
	o.Publish(2)
	b.analyzed("cup", 5*second)
	if !b.context("cup", 4*second, 0, second).Complete {
		t.Error("look-ups suffer from the sink")
	}
	eventually(t, "the outbox waits", func() bool {
		line := b.metric(`spotter_outbox_entries{sink="dynamodb"} `)
		return line != "" && !strings.HasSuffix(line, " 0")
	})
	eventually(t, "the log says so", func() bool { return strings.Contains(b.logged(), "sink is away, its outbox waits") })
	b.stop()
	if !strings.Contains(b.logged(), "the outbox keeps what its sink did not take until the next start") {
		t.Error("the log does not say what stays behind")
	}

	network.Heal()
	b = start(t, conf, env)
	o.Publish(2)
	b.analyzed("cup", 7*second)
	same(b, 6)
	o.End()
	eventually(t, "the stream has ended", func() bool { return b.status("cup").State == "ended" })
	b.stop()
	want := map[string]string{}
	for p := timeline.Position(0); p < 7*second; p += second {
		want[p.String()] = (p + second).String()
	}
	got := map[string]string{}
	for from, rest := range items.scenes("cup") {
		got[from], _, _ = strings.Cut(rest, " ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("final items of the whole event (-want +got):\n%s", diff)
	}
}
