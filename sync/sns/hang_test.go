package sns_test

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// TestPublishOverDeadConnection loses one request. It is sent again while live segments can wait for it, which have 5 s.
func TestPublishOverDeadConnection(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	p := topic(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // the request is of no interest
		if asked.Add(1) == 1 {
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>")
	}), plain)
	begun := time.Now()
	err := p.Publish(t.Context(), segment())
	if took := time.Since(begun); err != nil || took > 5*time.Second || asked.Load() != 2 {
		t.Errorf("after %v and %d requests: %v, want it told within 5 s by the second", took, asked.Load(), err)
	}
}
