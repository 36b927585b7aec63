package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"spotter/internal/awsfault"
	"spotter/timeline"
)

// checkPartition has the partition key under which rights are tried. Nothing is ever written there.
const checkPartition = "spotter:check"

// maxSkew is how wrong a clock may be before Amazon refuses what it signs.
const maxSkew = 5 * time.Minute

// Finding is one thing that Check looked at.
type Finding struct {
	// What was looked at, such as "keys".
	What string
	// Err says what is wrong and how a person mends it; nil when all is well.
	Err error
	// Detail is what was found, for people.
	Detail string
}

// Check asks whether the table is there, has the right keys and takes what Put, Query, Get, PutState and Lease do, without changing
// anything in it. Where one thing makes the others pointless, such as that there are no credentials, it is the last that is named.
func (t *Table) Check(ctx context.Context) []Finding {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, goOn := t.checkTable(ctx)
	if !goOn {
		return list
	}
	for _, right := range []struct {
		action string
		try    func(context.Context) error
	}{
		{"PutItem", t.tryPut}, {"GetItem", t.tryGet}, {"Query", t.tryQuery},
	} {
		err := t.explain(ctx, right.action, "try "+right.action+" in "+t.Name, right.try(ctx))
		f := Finding{What: "right to " + right.action, Err: err}
		if err == nil {
			f.Detail = "allowed"
		}
		list = append(list, f)
	}
	return list
}

// checkTable looks at the table's description; goOn reports whether there is any use in trying rights.
func (t *Table) checkTable(ctx context.Context) (list []Finding, goOn bool) {
	out, err := t.Client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(t.Name)}, patient)
	if err != nil {
		err = t.explain(ctx, "DescribeTable", "describe table "+t.Name, err)
		e, ok := errors.AsType[*awsfault.Error](err)
		return []Finding{{What: "table", Err: err}}, ok && e.Code == "AccessDeniedException"
	}
	d := out.Table
	table := Finding{What: "table", Detail: fmt.Sprintf("%s in region %s is %s", t.Name, t.Region, d.TableStatus)}
	switch d.TableStatus {
	case types.TableStatusActive, types.TableStatusUpdating:
	default:
		table.Err = awsfault.New(awsfault.Denied, fmt.Sprintf("table %s is %s", t.Name, d.TableStatus),
			"wait until it is ACTIVE, or name another")
	}
	have := Finding{What: "keys", Detail: describeKeys(d)}
	if have.Detail != keys {
		have.Err = awsfault.New(awsfault.Denied, "it has "+have.Detail, t.otherKeysMend())
	}
	list = []Finding{table, have}
	if skew, ok := clockSkew(out.ResultMetadata); ok {
		list = append(list, skew)
	}
	return list, have.Err == nil && table.Err == nil
}

// describeKeys returns a table's keys as the constant keys has them.
func describeKeys(d *types.TableDescription) string {
	of := make(map[string]types.ScalarAttributeType)
	for _, a := range d.AttributeDefinitions {
		of[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	out, role := "", "partition key "
	for _, k := range d.KeySchema {
		name := aws.ToString(k.AttributeName)
		out += fmt.Sprintf("%s%s (%s)", role, name, of[name])
		role = " and sort key "
	}
	return out
}

// clockSkew compares this machine's clock with the one in an answer, which has whole seconds. The SDK makes up for a clock that is
// wrong, but the times that are written are wrong with it.
func clockSkew(m middleware.Metadata) (Finding, bool) {
	skew, ok := awsmiddleware.GetAttemptSkew(m)
	if !ok {
		return Finding{}, false
	}
	f := Finding{What: "clock", Detail: "within seconds of DynamoDB's"}
	if skew.Abs() >= maxSkew {
		f.Detail = fmt.Sprintf("%v from DynamoDB's", skew.Abs().Round(time.Second))
		f.Err = awsfault.New(awsfault.Denied, "this machine's clock is "+f.Detail, "set it right, and keep it so with chrony or systemd-timesyncd")
	} else if skew.Abs() >= 3*time.Second {
		f.Detail = fmt.Sprintf("%v from DynamoDB's", skew.Abs().Round(time.Second))
	}
	return f, true
}

// tryPut sends a write whose condition holds for no item.
func (t *Table) tryPut(ctx context.Context) error {
	_, err := t.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:           aws.String(t.Name),
		Item:                item{"media_id": text(checkPartition), "media_time_position": number("0")},
		ConditionExpression: aws.String("attribute_exists(media_id) AND attribute_not_exists(media_id)"),
	}, patient)
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return nil
	}
	return err
}

func (t *Table) tryGet(ctx context.Context) error {
	_, err := t.getItem(ctx, checkPartition, timeline.Position(0))
	return err
}

func (t *Table) tryQuery(ctx context.Context) error {
	_, err := t.Client.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String(t.Name), Limit: aws.Int32(1),
		KeyConditionExpression:    aws.String("media_id = :media"),
		ExpressionAttributeValues: item{":media": text(checkPartition)},
	}, patient)
	return err
}
