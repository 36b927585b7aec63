package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"spotter/httpapi"
)

// dripping sends one byte, and the next never.
type dripping struct{}

func (dripping) Ask(ctx context.Context, _ string, _ httpapi.OriginQuestion) (*httpapi.OriginAnswer, error) {
	r, w := io.Pipe()
	context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
	return &httpapi.OriginAnswer{Body: &fakeBody{io.MultiReader(strings.NewReader(strings.Repeat("x", 64<<10)), r), func() { r.Close() }}, Length: 1 << 20}, nil
}

// TestShutdownEndsPassedBodies: the end of the program waits for no origin.
func TestShutdownEndsPassedBodies(t *testing.T) {
	s := passing(dripping{})
	c := client(t, s)
	resp, err := c.Get("http://spotter/v1/media/cup-final/hls/a.ts")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	defer resp.Body.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, resp.Body)
		read <- err
	}()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("with a body under way: %v", err)
	}
	if err := <-read; err == nil {
		t.Error("what was cut off looks complete")
	}
}
