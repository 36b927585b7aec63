//go:build bench && !nocv

package bench_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"spotter/internal/testmedia"
)

const (
	liveSegment = 2 * time.Second
	liveWindow  = 8 // segments that a live playlist names
)

// punctual serves a film as any number of live streams, spread over the time of a segment: what is published follows from the
// clock, and takes no process. A stream's address is /N/index.m3u8, of which N is its number.
type punctual struct {
	*httptest.Server

	segments [][]byte
	began    time.Time
	streams  int

	mu      sync.Mutex
	fetched map[int]time.Time // when a segment of the first stream was asked for first
}

func newPunctual(t *testing.T, f film, streams int) *punctual {
	t.Helper()
	dir := f.make(t)
	text, err := os.ReadFile(filepath.Join(dir, testmedia.Playlist))
	if err != nil {
		t.Fatal(err)
	}
	p := &punctual{streams: streams, fetched: map[int]time.Time{}, began: time.Now().Add(-liveWindow * liveSegment).Truncate(time.Millisecond)}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		body, err := os.ReadFile(filepath.Join(dir, line))
		if err != nil {
			t.Fatal(err)
		}
		p.segments = append(p.segments, body)
	}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

// published is when a stream's segment, by its number, is in the playlist.
func (p *punctual) published(stream, segment int) time.Time {
	return p.began.Add(time.Duration(segment+1)*liveSegment + liveSegment*time.Duration(stream)/time.Duration(p.streams))
}

// asked is when a segment of the first stream was asked for first.
func (p *punctual) asked(segment int) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetched[segment]
}

func (p *punctual) serve(w http.ResponseWriter, r *http.Request) {
	var stream, segment int
	if _, err := fmt.Sscanf(r.URL.Path, "/%d/%d.ts", &stream, &segment); err == nil {
		if time.Now().Before(p.published(stream, segment)) {
			http.NotFound(w, r)
			return
		}
		p.mu.Lock()
		if _, again := p.fetched[segment]; stream == 0 && !again {
			p.fetched[segment] = time.Now()
		}
		p.mu.Unlock()
		w.Header().Set("Content-Type", "video/mp2t")
		w.Write(p.segments[segment%len(p.segments)])
		return
	}
	if _, err := fmt.Sscanf(r.URL.Path, "/%d/"+testmedia.Playlist, &stream); err != nil {
		http.NotFound(w, r)
		return
	}
	next := 0 // the first segment that is not published yet
	for !time.Now().Before(p.published(stream, next)) {
		next++
	}
	first := max(0, next-liveWindow)
	w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
	fmt.Fprintf(w, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:%d\n",
		first, max(0, (first-1)/len(p.segments)))
	for i := first; i < next; i++ {
		if i > 0 && i%len(p.segments) == 0 {
			fmt.Fprintln(w, "#EXT-X-DISCONTINUITY")
		}
		at := p.published(stream, i-1)
		fmt.Fprintf(w, "#EXT-X-PROGRAM-DATE-TIME:%s\n#EXTINF:2.000,\n%d.ts\n", at.UTC().Format("2006-01-02T15:04:05.000Z"), i)
	}
}
