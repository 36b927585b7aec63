// Package dynamodb owns the DynamoDB table that the cloud's consumers read: its items, how they are written and read, and
// the lease by which one of two boxes pays for the cloud.
package dynamodb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"spotter/internal/awsfault"
	"spotter/timeline"
)

// callTimeout bounds one call with the SDK's own retries, so that a dead link does not hold the caller for minutes.
const callTimeout = 15 * time.Second

// Client is what Table needs of the SDK's *dynamodb.Client.
type Client interface {
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	DescribeTable(ctx context.Context, in *dynamodb.DescribeTableInput, opts ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
}

// Table is a DynamoDB table with partition key media_id (S) and sort key media_time_position (N). Its errors are those of
// awsfault. Any number of goroutines may use it.
type Table struct {
	Client Client
	// Name is the table's; Region is where it is, for the errors.
	Name, Region string
	// TTL is how long after its answer an item expires; 0 for never. The table's TTL attribute is expires_at.
	TTL time.Duration
	// Twin says that a second box writes the same keys. Revisions of two boxes cannot be compared, so what Rekognition said is
	// then never replaced by what another source said, nor hidden by it; and what a person edited by neither.
	Twin bool
}

// The conditions of a Put. An item without a revision, which others may have written, is older than any. An open observation
// of the same revision is written again as its scene lasts.
const (
	whereNewer = "attribute_not_exists(#revision) OR #revision < :revision OR (#revision = :revision AND media_time_until < :until)"
	// whereNewerOfKind is whereNewer among the answers of Rekognition, or among those of other sources, as long as the end does
	// not come earlier: whatever else there is takes two steps.
	whereNewerOfKind = "attribute_not_exists(#revision) OR (#source %s :rekognition AND attribute_not_exists(edited) AND (" +
		"(#revision < :revision AND media_time_until %s :until) OR (#revision = :revision AND media_time_until < :until)))"
	// whereNothing is for what a person edited: whatever there is takes two steps.
	whereNothing   = "attribute_not_exists(#revision)"
	whereUnchanged = "#revision = :revision AND media_time_until = :until AND #source = :source AND "
	whereUnedited  = whereUnchanged + "attribute_not_exists(edited)"
	whereEdited    = whereUnchanged + "edited = :edited"
)

// twinRounds bounds how often a Put that meets the other box's item begins anew when that changes in the meantime.
const twinRounds = 4

// Put writes an observation where the table has none of its key, or one of a lower revision, or one of the same revision
// that ends earlier. That the table has it already, or a newer one, is success, so Put may be repeated, after an answer that
// never came too. An observation whose item is larger than DynamoDB takes is awsfault.Refused and not sent.
func (t *Table) Put(ctx context.Context, o *timeline.Observation) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in, err := t.putInput(o)
	if err != nil {
		return err
	}
	if t.Twin && o.LastEdit() > 0 {
		in.ConditionExpression = aws.String(whereNothing)
		in.ExpressionAttributeValues = nil
	} else if t.Twin {
		relation, end := "<>", "<"
		if o.Source == timeline.SourceRekognition {
			relation = "="
		}
		if !o.Open {
			end = "<="
		}
		in.ConditionExpression = aws.String(fmt.Sprintf(whereNewerOfKind, relation, end))
		in.ExpressionAttributeNames["#source"] = "source"
		in.ExpressionAttributeValues[":rekognition"] = text(timeline.SourceRekognition)
	}
	stands, written, err := t.putIf(ctx, in)
	if err != nil || written || !t.Twin {
		return err
	}
	return t.join(ctx, o, stands)
}

// putInput returns the request that writes o where it is newer than what stands.
func (t *Table) putInput(o *timeline.Observation) (*dynamodb.PutItemInput, error) {
	i, err := t.encode(o)
	if err != nil {
		return nil, awsfault.New(awsfault.Refused, fmt.Sprintf("encode item of %s at %v: %v", o.Media, o.From, err), "")
	}
	if n := size(i); n > maxItem {
		return nil, awsfault.New(awsfault.Refused, fmt.Sprintf(
			"put item in %s: that of %s at %v has %d bytes, DynamoDB takes %d", t.Name, o.Media, o.From, n, maxItem), "")
	}
	return &dynamodb.PutItemInput{
		TableName:                 aws.String(t.Name),
		Item:                      i,
		ConditionExpression:       aws.String(whereNewer),
		ExpressionAttributeNames:  map[string]string{"#revision": "revision"},
		ExpressionAttributeValues: item{":revision": i["revision"], ":until": i["media_time_until"]},
	}, nil
}

// putIf sends a conditional request. Where the condition does not hold it returns what stands in the item's place, which is
// empty if the server does not tell.
func (t *Table) putIf(ctx context.Context, in *dynamodb.PutItemInput) (stands item, written bool, err error) {
	in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	_, err = t.Client.PutItem(ctx, in, patient, brisk)
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return failed.Item, false, nil
	}
	return nil, err == nil, t.explain(ctx, "PutItem", "put item in "+t.Name, err)
}

// join writes what becomes of o and of the item that stands at its key, which the other box may have written.
func (t *Table) join(ctx context.Context, o *timeline.Observation, stands item) error {
	for range twinRounds {
		if len(stands) == 0 {
			var err error
			if stands, err = t.getItem(ctx, o.Media, o.From); err != nil {
				return err
			}
		}
		in, err := t.joinInput(o, stands)
		if err != nil || in == nil {
			return err
		}
		var written bool
		if stands, written, err = t.putIf(ctx, in); err != nil || written {
			return err
		}
	}
	return awsfault.New(awsfault.Away, fmt.Sprintf("put item in %s: that of %s at %v changes all the time", t.Name, o.Media, o.From), "")
}

// joinInput returns the request that puts what becomes of o in the place of what stands; nil when that may stay.
func (t *Table) joinInput(o *timeline.Observation, stands item) (*dynamodb.PutItemInput, error) {
	if len(stands) == 0 {
		return t.putInput(o)
	}
	old, err := decode(stands)
	if err != nil {
		return nil, t.foreign(stands, err)
	}
	now := merge(old, o)
	if now == old {
		return nil, nil
	}
	in, err := t.putInput(now)
	if err != nil {
		return nil, err
	}
	in.ConditionExpression = aws.String(whereUnedited)
	in.ExpressionAttributeNames["#source"] = "source"
	in.ExpressionAttributeValues = item{
		":revision": stands["revision"], ":until": stands["media_time_until"], ":source": stands["source"],
	}
	if edited := stands["edited"]; edited != nil {
		in.ConditionExpression = aws.String(whereEdited)
		in.ExpressionAttributeValues[":edited"] = edited
	}
	return in, nil
}

// merge returns what is to stand where old stands once o is told too: what a person edited last, then what Rekognition said before
// what any other source did, then what has the higher revision, and the later end. In whatever order two boxes write, the table comes to the same.
func merge(old, o *timeline.Observation) *timeline.Observation {
	first, second := old, o
	if compare(o, old) > 0 {
		first, second = o, old
	}
	if second.Until < first.Until || second.Until == first.Until && (second.Open || !first.Open) {
		return first
	}
	now := *first
	now.Until, now.Open = second.Until, second.Open
	return &now
}

// compare orders observations of one key by how much their answers are worth.
func compare(a, b *timeline.Observation) int {
	rank := func(o *timeline.Observation) int {
		if o.Source == timeline.SourceRekognition {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.LastEdit(), b.LastEdit()), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Until, b.Until))
}
