package dynamodb_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type attributes = map[string]types.AttributeValue

// memory is a table in memory, with as much of DynamoDB's expressions as the package speaks. The suite that runs on it runs on
// DynamoDB Local too.
type memory struct {
	mu    sync.Mutex
	items map[string]attributes
	page  int  // items of a page of Query
	mute  bool // does not tell what stands where a condition does not hold
}

func newMemory() *memory { return &memory{items: make(map[string]attributes), page: 7} }

func memoryKey(i attributes) string {
	return literal(i["media_id"]) + " " + strconv.FormatFloat(numeral(i["media_time_position"]), 'f', 3, 64)
}

func (m *memory) PutItem(_ context.Context, in *sdk.PutItemInput, _ ...func(*sdk.Options)) (*sdk.PutItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.items[memoryKey(in.Item)]
	e := expression{names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues, item: old}
	if c := aws.ToString(in.ConditionExpression); c != "" && !e.holds(c) {
		failed := &types.ConditionalCheckFailedException{}
		if in.ReturnValuesOnConditionCheckFailure == types.ReturnValuesOnConditionCheckFailureAllOld && !m.mute {
			failed.Item = maps.Clone(old)
		}
		return nil, failed
	}
	m.items[memoryKey(in.Item)] = maps.Clone(in.Item)
	return &sdk.PutItemOutput{}, nil
}

func (m *memory) GetItem(_ context.Context, in *sdk.GetItemInput, _ ...func(*sdk.Options)) (*sdk.GetItemOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &sdk.GetItemOutput{Item: maps.Clone(m.items[memoryKey(in.Key)])}, nil
}

func (m *memory) Query(_ context.Context, in *sdk.QueryInput, _ ...func(*sdk.Options)) (*sdk.QueryOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := slices.SortedFunc(maps.Values(m.items), func(a, b attributes) int {
		return cmp.Compare(numeral(a["media_time_position"]), numeral(b["media_time_position"]))
	})
	out := &sdk.QueryOutput{}
	for _, i := range list {
		e := expression{names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues, item: i}
		if !e.holds(*in.KeyConditionExpression) {
			continue
		}
		if start := in.ExclusiveStartKey; start != nil && numeral(i["media_time_position"]) <= numeral(start["media_time_position"]) {
			continue
		}
		out.Items = append(out.Items, maps.Clone(i))
		if len(out.Items) == m.page {
			out.LastEvaluatedKey = attributes{"media_id": i["media_id"], "media_time_position": i["media_time_position"]}
			break
		}
	}
	return out, nil
}

func (m *memory) DescribeTable(_ context.Context, in *sdk.DescribeTableInput, _ ...func(*sdk.Options)) (*sdk.DescribeTableOutput, error) {
	key := func(name string, t types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: t}
	}
	return &sdk.DescribeTableOutput{Table: &types.TableDescription{
		TableName: in.TableName, TableStatus: types.TableStatusActive,
		KeySchema: []types.KeySchemaElement{key("media_id", types.KeyTypeHash), key("media_time_position", types.KeyTypeRange)},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("media_id"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("media_time_position"), AttributeType: types.ScalarAttributeTypeN},
		},
	}}, nil
}

// spaced has blanks around parentheses; operators have them.
var spaced = strings.NewReplacer("(", " ( ", ")", " ) ")

// expression evaluates a condition on an item by recursive descent.
type expression struct {
	names  map[string]string
	values attributes
	item   attributes
	tokens []string
}

func (e expression) holds(condition string) bool {
	e.tokens = strings.Fields(spaced.Replace(condition))
	ok := e.or()
	if len(e.tokens) > 0 {
		panic(fmt.Sprintf("%q is left of %q", e.tokens, condition))
	}
	return ok
}

func (e *expression) take() string {
	token := e.tokens[0]
	e.tokens = e.tokens[1:]
	return token
}

func (e *expression) next(token string) bool {
	if len(e.tokens) > 0 && e.tokens[0] == token {
		e.take()
		return true
	}
	return false
}

func (e *expression) or() bool {
	ok := e.and()
	for e.next("OR") {
		right := e.and()
		ok = ok || right
	}
	return ok
}

func (e *expression) and() bool {
	ok := e.term()
	for e.next("AND") {
		right := e.term()
		ok = ok && right
	}
	return ok
}

func (e *expression) term() bool {
	if e.next("(") {
		ok := e.or()
		e.take()
		return ok
	}
	first := e.take()
	if first == "attribute_exists" || first == "attribute_not_exists" {
		e.take()
		there := e.value(e.take()) != nil
		e.take()
		return there == (first == "attribute_exists")
	}
	left := e.value(first)
	switch op := e.take(); op {
	case "BETWEEN":
		from, _, until := e.value(e.take()), e.take(), e.value(e.take())
		return order(left, from) >= 0 && order(left, until) <= 0
	case "=", "<>", "<", "<=":
		right := e.value(e.take())
		if left == nil || right == nil {
			return false
		}
		c := order(left, right)
		return op == "=" && c == 0 || op == "<>" && c != 0 || op == "<" && c < 0 || op == "<=" && c <= 0
	default:
		panic("unknown operator " + op)
	}
}

func (e *expression) value(token string) types.AttributeValue {
	if v, ok := e.values[token]; ok {
		return v
	}
	if name, ok := e.names[token]; ok {
		token = name
	}
	return e.item[token]
}

func order(a, b types.AttributeValue) int {
	if _, number := a.(*types.AttributeValueMemberN); number {
		return cmp.Compare(numeral(a), numeral(b))
	}
	return cmp.Compare(literal(a), literal(b))
}

func literal(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func numeral(v types.AttributeValue) float64 {
	n, _ := v.(*types.AttributeValueMemberN)
	if n == nil {
		return 0
	}
	f, _ := strconv.ParseFloat(n.Value, 64)
	return f
}
