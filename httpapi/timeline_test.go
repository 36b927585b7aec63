package httpapi_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"spotter/internal/mediatest"
	"spotter/timeline"
)

// lateMedia revises its answer, the last that was open to it, as soon as it has been asked for its timeline.
type lateMedia struct {
	*mediatest.Box
	revised atomic.Bool
}

func (m *lateMedia) Settled(id string) (timeline.Position, bool, error) {
	if !m.revised.Load() {
		return 10_000, true, nil
	}
	return m.Box.Settled(id)
}

func (m *lateMedia) Timeline(id string, w timeline.Span) (*timeline.Timeline, error) {
	m.revised.Store(true)
	return m.Box.Timeline(id, w)
}

// TestTimelineRevisedWhileAsked must not let what was replaced in that moment be kept for ever.
func TestTimelineRevisedWhileAsked(t *testing.T) {
	m := &lateMedia{Box: cup()}
	resp, _ := send(t, client(t, newViewer(m)), http.MethodGet, "/v1/media/cup-final/timeline?from=0&until=50")
	if got := resp.Header.Get("Cache-Control"); got != "public, max-age=1, stale-while-revalidate=1, stale-if-error=60" {
		t.Error(got)
	}
}
