package dynamodb_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// item is a DynamoDB item as it is on the wire: by attribute, then by type.
type item map[string]map[string]string

// fake answers PutItem of DynamoDB's JSON 1.0 protocol for the one condition that Table uses.
type fake struct {
	mu    sync.Mutex
	items map[string]item
	fail  []string // error codes of the next answers
	calls int
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	refuse := func(status int, code string) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + code, "message": "refused"})
	}
	if len(f.fail) > 0 {
		code := f.fail[0]
		f.fail = f.fail[1:]
		if code == "InternalServerError" {
			refuse(http.StatusInternalServerError, code)
		} else {
			refuse(http.StatusBadRequest, code)
		}
		return
	}
	var in struct {
		TableName                 string
		Item                      item
		ConditionExpression       string
		ExpressionAttributeNames  map[string]string
		ExpressionAttributeValues item
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	switch {
	case err != nil || r.Header.Get("X-Amz-Target") != "DynamoDB_20120810.PutItem":
		refuse(http.StatusBadRequest, "SerializationException")
		return
	case in.ConditionExpression != "attribute_not_exists(media_id) OR #revision < :revision" || in.ExpressionAttributeNames["#revision"] != "revision":
		refuse(http.StatusBadRequest, "ValidationException")
		return
	case in.TableName != "observations":
		refuse(http.StatusBadRequest, "ResourceNotFoundException")
		return
	}
	key := in.Item["media_id"]["S"] + " " + in.Item["media_time_position"]["N"]
	if old, ok := f.items[key]; ok {
		was, err := strconv.Atoi(old["revision"]["N"])
		now, err2 := strconv.Atoi(in.ExpressionAttributeValues[":revision"]["N"])
		if err != nil || err2 != nil || was >= now {
			refuse(http.StatusBadRequest, "ConditionalCheckFailedException")
			return
		}
	}
	f.items[key] = in.Item
	w.Write([]byte("{}"))
}

func table(t *testing.T, name string, f *fake) *dynamodb.Table {
	t.Helper()
	f.items = make(map[string]item)
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return &dynamodb.Table{Name: name, Client: sdk.New(sdk.Options{
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
	} {
		t.Run(name, func(t *testing.T) {
			f := new(fake)
			tab := table(t, "observations", f)
			tab.TTL = tc.ttl
			if err := tab.Put(t.Context(), tc.o); err != nil {
				t.Fatal(err)
			}
			if len(f.items) != 1 {
				t.Fatalf("%d items", len(f.items))
			}
			for _, got := range f.items {
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("item (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestPutKeepsHighestRevision(t *testing.T) {
	f := new(fake)
	tab := table(t, "observations", f)
	for _, step := range []struct{ put, want int }{{2, 2}, {2, 2}, {1, 2}, {10, 10}, {9, 10}} {
		if err := tab.Put(t.Context(), observation(step.put)); err != nil {
			t.Fatalf("revision %d: %v", step.put, err)
		}
		for _, got := range f.items {
			if got["revision"]["N"] != strconv.Itoa(step.want) {
				t.Errorf("after revision %d the table has %v, want %d", step.put, got["revision"], step.want)
			}
		}
	}
	if len(f.items) != 1 {
		t.Errorf("%d items of one observation", len(f.items))
	}
}

func TestPutFails(t *testing.T) {
	for name, tc := range map[string]struct {
		table string
		fail  []string
		want  string // in the error; "" for success
		calls int
	}{
		"passing fault is tried again": {"observations", []string{"InternalServerError"}, "", 2},
		"no such table":                {"absent", nil, "create the table with partition key media_id", 1},
		"no right":                     {"observations", []string{"AccessDeniedException"}, "allow dynamodb:PutItem", 1},
		"refused item":                 {"observations", []string{"ValidationException"}, "put item in observations", 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{fail: tc.fail}
			err := table(t, tc.table, f).Put(t.Context(), observation(1))
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if f.calls != tc.calls {
				t.Errorf("%d calls, want %d", f.calls, tc.calls)
			}
		})
	}
}
