package dynamodb_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"spotter/sync/dynamodb"
	"spotter/timeline"
)

// TestPutOverDeadConnection loses one request. It is sent again while live entries can wait for it, which have 5 s.
func TestPutOverDeadConnection(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // the request is of no interest
		if asked.Add(1) == 1 {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		io.WriteString(w, "{}") //nolint:errcheck // the test fails without it
	}))
	defer server.Close()
	client := sdk.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
	table := &dynamodb.Table{Client: client, Name: "t", Region: "us-east-1"}
	begun := time.Now()
	err := table.Put(context.Background(), &timeline.Observation{Media: "cup", Revision: 1, Source: timeline.SourceClassic})
	if took := time.Since(begun); err != nil || took > 5*time.Second || asked.Load() != 2 {
		t.Errorf("after %v and %d requests: %v, want it written within 5 s by the second", took, asked.Load(), err)
	}
}
