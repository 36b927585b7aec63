package dynamodb_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"spotter/internal/awsfault"
	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// wire answers DynamoDB's JSON 1.0 protocol: the scripted faults first, then success. It keeps what was last sent.
type wire struct {
	mu    sync.Mutex
	fail  []wireFault
	calls int
	sent  struct {
		Item map[string]map[string]any
	}
}

// hangUp is the code of a connection that breaks before the answer.
const hangUp = "hang up"

// wireFault is an error code and its message.
type wireFault struct{ code, message string }

func (f *wire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if err := json.NewDecoder(r.Body).Decode(&f.sent); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if len(f.fail) == 0 {
		w.Write([]byte("{}"))
		return
	}
	now := f.fail[0]
	f.fail = f.fail[1:]
	if now.code == hangUp {
		panic(http.ErrAbortHandler)
	}
	status := http.StatusBadRequest
	if now.code == "InternalServerError" {
		status = http.StatusInternalServerError
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + now.code, "message": now.message})
}

// overWire returns a table that is asked over HTTP.
func overWire(t *testing.T, f *wire) *dynamodb.Table {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return &dynamodb.Table{Name: "observations", Region: "us-east-1", Client: sdk.New(sdk.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}),
	})}
}

func observation(revision int) *timeline.Observation {
	return &timeline.Observation{
		Media: "cup-final", Span: timeline.Span{From: -41_275, Until: 50_000},
		Source: timeline.SourceRekognition, Revision: revision,
		Celebrities: []timeline.Entity{{Name: "Zoë Example", ID: "4xYz", URLs: []string{"www.example.com"}, Confidence: 97.25}, {Name: "Nobody Known", Confidence: 50}},
		Objects:     []timeline.Entity{{Name: "Couch", Confidence: 99.5}},
		At:          time.Date(2026, 11, 23, 14, 0, 2, 0, time.FixedZone("", 3600)),
	}
}

func TestPutWritesItem(t *testing.T) {
	kin := observation(1)
	kin.Open = true
	kin.Objects = []timeline.Entity{
		{Name: "Couch", Confidence: 99.5, Parents: []string{"Furniture"}, Aliases: []string{"Sofa"}}, {Name: "Person", Confidence: 90},
	}
	type item = map[string]map[string]any
	for name, tc := range map[string]struct {
		ttl  time.Duration
		o    *timeline.Observation
		want item
	}{
		"full": {time.Hour, observation(3), item{
			"media_id":            {"S": "cup-final"},
			"media_time_position": {"N": "-41.275"},
			"media_time_until":    {"N": "50.0"},
			"timestamp":           {"S": "2026-11-23T13:00:02Z"},
			"celeb_json":          {"S": `[{"Name":"Zoë Example","Id":"4xYz","MatchConfidence":97.25,"Urls":["www.example.com"]},{"Name":"Nobody Known","Id":"","MatchConfidence":50,"Urls":[]}]`},
			"object_json":         {"S": `[{"Name":"Couch","Confidence":99.5}]`},
			"confidence":          {"N": "99.5"},
			"source":              {"S": "rekognition"},
			"revision":            {"N": "3"},
			"expires_at":          {"N": "1795442402"},
		}},
		"nobody, for ever": {0, &timeline.Observation{Media: "m", Source: "onnx", At: time.Unix(0, 0)}, item{
			"media_id":            {"S": "m"},
			"media_time_position": {"N": "0.0"},
			"media_time_until":    {"N": "0.0"},
			"timestamp":           {"S": "1970-01-01T00:00:00Z"},
			"celeb_json":          {"S": "[]"},
			"object_json":         {"S": "[]"},
			"confidence":          {"N": "0"},
			"source":              {"S": "onnx"},
			"revision":            {"N": "0"},
		}},
		"open, with parents and aliases": {0, kin, item{
			"media_id":            {"S": "cup-final"},
			"media_time_position": {"N": "-41.275"},
			"media_time_until":    {"N": "50.0"},
			"timestamp":           {"S": "2026-11-23T13:00:02Z"},
			"celeb_json":          {"S": `[{"Name":"Zoë Example","Id":"4xYz","MatchConfidence":97.25,"Urls":["www.example.com"]},{"Name":"Nobody Known","Id":"","MatchConfidence":50,"Urls":[]}]`},
			"object_json":         {"S": `[{"Name":"Couch","Confidence":99.5},{"Name":"Person","Confidence":90}]`},
			"labels_json":         {"S": `{"Couch":{"Parents":["Furniture"],"Aliases":["Sofa"]}}`},
			"confidence":          {"N": "99.5"},
			"source":              {"S": "rekognition"},
			"revision":            {"N": "1"},
			"open":                {"BOOL": true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := new(wire)
			tab := overWire(t, f)
			tab.TTL = tc.ttl
			if err := tab.Put(t.Context(), tc.o); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, f.sent.Item); diff != "" {
				t.Errorf("item (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPutFails(t *testing.T) {
	broken := wireFault{"InternalServerError", "once more"}
	for name, tc := range map[string]struct {
		fail  []wireFault
		kind  awsfault.Kind
		want  string // in the error; "" for success
		calls int
	}{
		"passing fault":              {[]wireFault{broken, broken}, 0, "", 3},
		"lasting fault":              {[]wireFault{broken, broken, broken, broken}, awsfault.Away, "put item in observations: DynamoDB answered InternalServerError", 3},
		"no answer":                  {[]wireFault{{hangUp, ""}, broken}, 0, "", 3},
		"never an answer":            {[]wireFault{{hangUp, ""}, {hangUp, ""}, {hangUp, ""}, {hangUp, ""}}, awsfault.Away, "put item in observations", 3},
		"there already":              {[]wireFault{{"ConditionalCheckFailedException", ""}}, 0, "", 1},
		"applied, no answer":         {[]wireFault{broken, {"ConditionalCheckFailedException", ""}}, 0, "", 2},
		"throughput used up":         {[]wireFault{{"ProvisionedThroughputExceededException", ""}}, awsfault.Throttled, "ProvisionedThroughputExceededException", 1},
		"throttled":                  {[]wireFault{{"ThrottlingException", ""}}, awsfault.Throttled, "ThrottlingException", 1},
		"account's limit":            {[]wireFault{{"RequestLimitExceeded", ""}}, awsfault.Throttled, "RequestLimitExceeded", 1},
		"throttled after a fault":    {[]wireFault{broken, {"ThrottlingException", ""}}, awsfault.Throttled, "ThrottlingException", 2},
		"no such table":              {[]wireFault{{"ResourceNotFoundException", ""}}, awsfault.Denied, "create the table with partition key media_id (S) and sort key media_time_position (N) in region us-east-1", 1},
		"no right":                   {[]wireFault{{"AccessDeniedException", ""}}, awsfault.Denied, "allow dynamodb:PutItem on table observations", 1},
		"token expired":              {[]wireFault{{"ExpiredTokenException", ""}}, awsfault.Denied, "renew the credentials", 1},
		"clock, that nothing mends":  {[]wireFault{{"InvalidSignatureException", ""}}, awsfault.Denied, "this machine's clock is right", 1},
		"other keys":                 {[]wireFault{{"ValidationException", "One or more parameter values were invalid: Missing the key id in the item"}}, awsfault.Denied, "table observations has other keys", 1},
		"key of another type":        {[]wireFault{{"ValidationException", "One or more parameter values were invalid: Type mismatch for key media_time_position expected: S actual: N"}}, awsfault.Denied, "has other keys", 1},
		"too large, by its count":    {[]wireFault{{"ValidationException", "Item size has exceeded the maximum allowed size"}}, awsfault.Refused, "ValidationException", 1},
		"too much of one media":      {[]wireFault{{"ItemCollectionSizeLimitExceededException", ""}}, awsfault.Refused, "ItemCollectionSizeLimitExceededException", 1},
		"something new from Amazon":  {[]wireFault{{"NeverHeardOfException", ""}}, awsfault.Away, "NeverHeardOfException", 1},
		"another media at this time": {[]wireFault{{"TransactionConflictException", ""}}, awsfault.Away, "TransactionConflictException", 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := &wire{fail: tc.fail}
			err := overWire(t, f).Put(t.Context(), observation(1))
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if err != nil && awsfault.KindOf(err) != tc.kind {
				t.Errorf("it is %v, want %v", awsfault.KindOf(err), tc.kind)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.calls != tc.calls {
				t.Errorf("%d calls, want %d", f.calls, tc.calls)
			}
		})
	}
}

func TestPutOfTooMuchIsNotSent(t *testing.T) {
	f := new(wire)
	o := observation(1)
	o.Objects[0].Name = strings.Repeat("x", 400<<10)
	err := overWire(t, f).Put(t.Context(), o)
	if awsfault.KindOf(err) != awsfault.Refused || !strings.Contains(err.Error(), "that of cup-final at -41.275 has 409931 bytes") || f.calls != 0 {
		t.Errorf("%v after %d calls", err, f.calls)
	}
}

func TestPutStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := overWire(t, new(wire)).Put(ctx, observation(1))
	if !errors.Is(err, context.Canceled) || awsfault.KindOf(err) != awsfault.Away {
		t.Errorf("error %v", err)
	}
}
