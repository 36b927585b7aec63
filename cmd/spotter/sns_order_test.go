package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spotter/store"
	"spotter/timeline"
)

// TestOrderedTopic publishes to a FIFO topic of which one call is slow: the segments are told in their order all the same.
func TestOrderedTopic(t *testing.T) {
	const n = 8
	var mu sync.Mutex
	var told []string
	var once sync.Once
	overtaken := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		url := r.FormValue("Message")
		if url == "https://origin.example/0.ts" { // slow, unless another overtakes it
			select {
			case <-overtaken:
			case <-time.After(200 * time.Millisecond):
			}
		} else {
			once.Do(func() { close(overtaken) })
		}
		mu.Lock()
		told = append(told, url)
		mu.Unlock()
		fmt.Fprint(w, "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>")
	}))
	defer server.Close()
	t.Setenv("AWS_ENDPOINT_URL_SNS", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	c := defaultConfig()
	c.Sync.SNS.TopicARN = "arn:aws:sns:us-east-1:123456789012:segments.fifo"
	log := slog.New(slog.DiscardHandler)
	s := newCloudCopy(t, log, c.sinks()...).store
	cc, err := openCloudCopy(t.Context(), &c, s, newSpace(t.TempDir(), s, nil, slog.New(slog.DiscardHandler)), newMeters(prometheus.NewRegistry()), log)
	if err != nil {
		t.Fatal(err)
	}
	b := store.Batch{Media: "m"}
	var want []string
	for i := range n {
		url := fmt.Sprintf("https://origin.example/%d.ts", i)
		want = append(want, url)
		b.Segments = append(b.Segments, store.Segment{Media: "m", URL: url, From: timeline.Position(i) * 2000, Duration: 2 * time.Second})
	}
	if err := s.Record(b); err != nil {
		t.Fatal(err)
	}
	if err := cc.drainers[0].Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(told, want) {
		t.Errorf("told of %q, want %q", told, want)
	}
}
