package dynamodb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"spotter/internal/awsfault"
	"spotter/timeline"
)

// Query returns the observations of a media that begin in the closed window [w.From, w.Until], by From, however many pages they
// take; one that began earlier may still be on screen. A strong read sees every Put that came back before it began, and costs
// twice as much. An item that Spotter cannot have written is an error of kind awsfault.Refused that names its key.
func (t *Table) Query(ctx context.Context, media string, w timeline.Span, strong bool) ([]*timeline.Observation, error) {
	if w.Until < w.From {
		return nil, nil
	}
	items, err := t.queryItems(ctx, &dynamodb.QueryInput{
		ConsistentRead:         aws.Bool(strong),
		KeyConditionExpression: aws.String("media_id = :media AND media_time_position BETWEEN :from AND :until"),
		ExpressionAttributeValues: item{
			":media": text(media), ":from": number(w.From.String()), ":until": number(w.Until.String()),
		},
	})
	if err != nil {
		return nil, err
	}
	list := make([]*timeline.Observation, len(items))
	for n, i := range items {
		if list[n], err = decode(i); err != nil {
			return nil, t.foreign(i, err)
		}
	}
	return list, nil
}

// queryItems returns the items of all pages.
func (t *Table) queryItems(ctx context.Context, in *dynamodb.QueryInput) ([]item, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in.TableName = aws.String(t.Name)
	var items []item
	for {
		out, err := t.Client.Query(ctx, in, patient)
		if err != nil {
			return nil, t.explain(ctx, "Query", "query "+t.Name, err)
		}
		items = append(items, out.Items...)
		if len(out.LastEvaluatedKey) == 0 {
			return items, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// Get returns the observation of a media that begins at from, as it stands after every Put that came back before; nil when there
// is none.
func (t *Table) Get(ctx context.Context, media string, from timeline.Position) (*timeline.Observation, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	i, err := t.getItem(ctx, media, from)
	if err != nil || len(i) == 0 {
		return nil, err
	}
	o, err := decode(i)
	if err != nil {
		return nil, t.foreign(i, err)
	}
	return o, nil
}

func (t *Table) getItem(ctx context.Context, media string, from timeline.Position) (item, error) {
	out, err := t.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(t.Name), ConsistentRead: aws.Bool(true),
		Key: item{"media_id": text(media), "media_time_position": number(from.String())},
	}, patient)
	if err != nil {
		return nil, t.explain(ctx, "GetItem", "get item of "+t.Name, err)
	}
	return out.Item, nil
}

// foreign returns the error about an item that Spotter cannot have written, which a person has to correct or delete.
func (t *Table) foreign(i item, cause error) error {
	return awsfault.New(awsfault.Refused, fmt.Sprintf("read item of %s: %s at %s: %v", t.Name, shown(i["media_id"]),
		shown(i["media_time_position"]), cause), "correct the item or delete it")
}

// shown returns a key's value for people.
func shown(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return clip(v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return "an unknown key"
}
