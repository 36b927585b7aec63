package dynamodb

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"

	"spotter/internal/awsfault"
)

// keys is what the table's keys have to be, for people.
const keys = "partition key media_id (S) and sort key media_time_position (N)"

// explain says what an error of one of DynamoDB's actions means.
func (t *Table) explain(ctx context.Context, action, verb string, err error) error {
	if err == nil {
		return nil
	}
	s := awsfault.Service{
		Name: "DynamoDB", Region: t.Region, Rights: "dynamodb:" + action + " on table " + t.Name,
		Mends: map[string]string{
			"ResourceNotFoundException": "create the table with " + keys + " in region " + t.Region +
				"; spotter cloud-template prints a template",
		},
		Refusals: map[string]bool{"ValidationException": true, "ItemCollectionSizeLimitExceededException": true},
	}
	if otherKeys(action, err) {
		delete(s.Refusals, "ValidationException")
		s.Mends["ValidationException"] = t.otherKeysMend()
	}
	return s.Explain(ctx, verb, err)
}

func (t *Table) otherKeysMend() string {
	return "table " + t.Name + " has other keys; name one with " + keys + ", or create it: spotter cloud-template prints a template"
}

// otherKeys reports whether a request was refused because the table, or an index of it, has other keys. The code is that of
// any malformed request. A read has nothing else that could be wrong with it; for a write the message has to tell.
func otherKeys(action string, err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != "ValidationException" {
		return false
	}
	message := api.ErrorMessage()
	return action != "PutItem" || strings.Contains(message, "Missing the key") || strings.Contains(message, "Type mismatch for") ||
		strings.Contains(message, "required keys was not given")
}

// attempts bounds the attempts of one call, and putAttempt one attempt of a write: an item is small, and live ones wait for it.
const (
	attempts   = 3
	putAttempt = 3 * time.Second
)

// brisk bounds each attempt of a write.
func brisk(o *dynamodb.Options) { o.APIOptions = append(o.APIOptions, awsfault.Within(putAttempt)) }

// patient makes a call go by a few attempts, soon after each other, and by one where it is throttled.
func patient(o *dynamodb.Options) { o.RetryMaxAttempts, o.Retryer = 0, awsfault.Attempts(attempts) }

// once makes the SDK try a call once.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }
