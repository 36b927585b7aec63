package dynamodb_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"spotter/internal/awsfault"
	"spotter/internal/awslocal"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

func checkCheck(t *testing.T, tab *dynamodb.Table) {
	put(t, tab, scene("onnx", 1, 0, 1000, false))
	seen := make(map[string]bool)
	for _, f := range tab.Check(t.Context()) {
		seen[f.What] = true
		if f.Err != nil || f.Detail == "" {
			t.Errorf("%+v", f)
		}
	}
	for _, what := range []string{"table", "keys", "right to PutItem", "right to GetItem", "right to Query"} {
		if !seen[what] {
			t.Errorf("%s was not looked at", what)
		}
	}
	for _, media := range []string{"spotter:check", "spotter:lease", "spotter:media"} {
		if list, err := tab.Query(t.Context(), media, timeline.Span{From: -timeline.MaxPosition, Until: timeline.MaxPosition}, true); len(list) > 0 || err != nil {
			t.Errorf("%s has %d items, %v", media, len(list), err)
		}
	}
}

// faults returns what is wrong, a line each.
func faults(t *testing.T, tab *dynamodb.Table) string {
	t.Helper()
	var out strings.Builder
	for _, f := range tab.Check(t.Context()) {
		if f.Err != nil {
			fmt.Fprintf(&out, "%s: %v\n", f.What, f.Err)
			if awsfault.KindOf(f.Err) != awsfault.Denied {
				t.Errorf("%v is %v", f.Err, awsfault.KindOf(f.Err))
			}
		}
	}
	return out.String()
}

func TestCheckFindsWrongTables(t *testing.T) {
	endpoint := awslocal.DynamoDB(t)
	client := awslocal.Client(endpoint)
	attribute := func(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: kind}
	}
	id, position := attribute("media_id", "S"), attribute("media_time_position", "N")
	for name, tc := range map[string]struct {
		attributes []types.AttributeDefinition
		want       string
		takes      bool
	}{
		"missing":        {nil, "table: describe table missing: DynamoDB answered ResourceNotFoundException", false},
		"no-sort-key":    {[]types.AttributeDefinition{id}, "keys: it has partition key media_id (S): table no-sort-key has other keys; name one with partition key media_id (S) and sort key media_time_position (N)", true},
		"other-names":    {[]types.AttributeDefinition{attribute("id", "S"), position}, "keys: it has partition key id (S) and sort key media_time_position (N): table", false},
		"other-types":    {[]types.AttributeDefinition{id, attribute("media_time_position", "S")}, "keys: it has partition key media_id (S) and sort key media_time_position (S): table", false},
		"turned-round":   {[]types.AttributeDefinition{position, id}, "keys: it has partition key media_time_position (N) and sort key media_id (S): table", true},
		"partition-as-n": {[]types.AttributeDefinition{attribute("media_id", "N"), position}, "keys: it has partition key media_id (N)", false},
	} {
		t.Run(name, func(t *testing.T) {
			in := &sdk.CreateTableInput{TableName: aws.String(name), BillingMode: types.BillingModePayPerRequest, AttributeDefinitions: tc.attributes}
			for n, a := range tc.attributes {
				in.KeySchema = append(in.KeySchema, types.KeySchemaElement{
					AttributeName: a.AttributeName, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[n],
				})
			}
			if tc.attributes != nil {
				if _, err := client.CreateTable(t.Context(), in); err != nil {
					t.Fatal(err)
				}
			}
			tab := &dynamodb.Table{Client: client, Name: name, Region: awslocal.Region}
			if got := faults(t, tab); !strings.HasPrefix(got, tc.want) {
				t.Errorf("found %q, want %q", got, tc.want)
			}
			// The box that was not checked is told the same, unless its items fit by chance.
			if err := tab.Put(t.Context(), observation(1)); !tc.takes && awsfault.KindOf(err) != awsfault.Denied {
				t.Errorf("put: %v", err)
			}
			if _, err := tab.Query(t.Context(), "m", timeline.Span{Until: 1}, false); awsfault.KindOf(err) != awsfault.Denied {
				t.Errorf("query: %v", err)
			}
			if _, err := tab.Get(t.Context(), "m", 0); name != "turned-round" && awsfault.KindOf(err) != awsfault.Denied {
				t.Errorf("get: %v", err)
			}
		})
	}
}

// TestCheckWithoutRights has a server that refuses everything in one way.
func TestCheckWithoutRights(t *testing.T) {
	for code, want := range map[string][]string{
		"AccessDeniedException": {
			"table: describe table", "allow dynamodb:DescribeTable on table observations to these credentials",
			"allow dynamodb:PutItem on table observations", "allow dynamodb:GetItem on", "allow dynamodb:Query on",
		},
		"UnrecognizedClientException": {"table: describe table observations", "the access key is not known in region us-east-1"},
		"ExpiredTokenException":       {"the session token has expired; renew the credentials"},
		"InvalidSignatureException":   {"check the secret access key and that this machine's clock is right"},
	} {
		t.Run(code, func(t *testing.T) {
			var list []wireFault
			for range 9 {
				list = append(list, wireFault{code, "refused"})
			}
			got := faults(t, overWire(t, &wire{fail: list}))
			for _, line := range want {
				if !strings.Contains(got, line) {
					t.Errorf("found %q, want %q", got, line)
				}
			}
			if lines := strings.Count(got, "\n"); lines != 4 && code == "AccessDeniedException" || lines != 1 && code != "AccessDeniedException" {
				t.Errorf("%d lines: %s", lines, got)
			}
		})
	}
}

func TestCheckOfTableThatIsNotThereYet(t *testing.T) {
	got := faults(t, &dynamodb.Table{Client: creating{newMemory()}, Name: "observations", Region: "us-east-1"})
	if want := "table: table observations is CREATING: wait until it is ACTIVE, or name another\n"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}

// creating is a table that is being created.
type creating struct{ *memory }

func (c creating) DescribeTable(ctx context.Context, in *sdk.DescribeTableInput, opts ...func(*sdk.Options)) (*sdk.DescribeTableOutput, error) {
	out, err := c.memory.DescribeTable(ctx, in, opts...)
	out.Table.TableStatus = types.TableStatusCreating
	return out, err
}
