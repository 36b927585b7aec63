// Package dynamodb owns the DynamoDB item of an observation and how it is written.
package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"spotter/timeline"
)

// putTimeout bounds one Put with the SDK's own retries, so that a dead link does not hold the outbox for minutes.
const putTimeout = 15 * time.Second

// Client is what Table needs of the SDK's *dynamodb.Client.
type Client interface {
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Table is a DynamoDB table with partition key media_id (S) and sort key media_time_position (N).
type Table struct {
	Client Client
	Name   string
	// TTL is how long after its answer an item expires; 0 for never. The table's TTL attribute is expires_at.
	TTL time.Duration
}

// Put writes an observation where the table has none of its key, or one of a lower revision. That the table has it
// already, or a newer one, is success, so Put may be repeated.
func (t *Table) Put(ctx context.Context, o *timeline.Observation) error {
	item, err := t.item(o)
	if err != nil {
		return fmt.Errorf("encode item: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	_, err = t.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 aws.String(t.Name),
		Item:                      item,
		ConditionExpression:       aws.String("attribute_not_exists(media_id) OR #revision < :revision"),
		ExpressionAttributeNames:  map[string]string{"#revision": "revision"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":revision": item["revision"]},
	})
	if _, there := errors.AsType[*types.ConditionalCheckFailedException](err); there {
		return nil
	}
	if err != nil {
		return fmt.Errorf("put item in %s: %w%s", t.Name, err, hint(err))
	}
	return nil
}

// hint says how a person mends an error that no retry does.
func hint(err error) string {
	var api interface{ ErrorCode() string }
	if !errors.As(err, &api) {
		return ""
	}
	switch api.ErrorCode() {
	case "ResourceNotFoundException":
		return ": create the table with partition key media_id (S) and sort key media_time_position (N)"
	case "AccessDeniedException":
		return ": allow dynamodb:PutItem on the table"
	}
	return ""
}

// celebrity and object are the elements of celeb_json and object_json.
type celebrity struct {
	Name            string
	ID              string `json:"Id"`
	MatchConfidence float64
	URLs            []string `json:"Urls"`
}

type object struct {
	Name       string
	Confidence float64
}

// item returns the attributes, as docs/formats.md lists them.
func (t *Table) item(o *timeline.Observation) (map[string]types.AttributeValue, error) {
	highest := 0.0
	celebrities := make([]celebrity, 0, len(o.Celebrities))
	for _, e := range o.Celebrities {
		urls := e.URLs
		if urls == nil {
			urls = []string{}
		}
		celebrities = append(celebrities, celebrity{e.Name, e.ID, e.Confidence, urls})
		highest = max(highest, e.Confidence)
	}
	objects := make([]object, 0, len(o.Objects))
	for _, e := range o.Objects {
		objects = append(objects, object{e.Name, e.Confidence})
		highest = max(highest, e.Confidence)
	}
	celebJSON, err := json.Marshal(celebrities)
	if err != nil {
		return nil, err
	}
	objectJSON, err := json.Marshal(objects)
	if err != nil {
		return nil, err
	}
	item := map[string]types.AttributeValue{
		"media_id":            text(o.Media),
		"media_time_position": number(o.From.String()),
		"media_time_until":    number(o.Until.String()),
		"timestamp":           text(o.At.UTC().Format(time.RFC3339Nano)),
		"celeb_json":          text(string(celebJSON)),
		"object_json":         text(string(objectJSON)),
		"confidence":          number(strconv.FormatFloat(highest, 'f', -1, 64)),
		"source":              text(o.Source),
		"revision":            number(strconv.Itoa(o.Revision)),
	}
	if t.TTL > 0 {
		item["expires_at"] = number(strconv.FormatInt(o.At.Add(t.TTL).Unix(), 10))
	}
	return item, nil
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
