package httpapi_test

import (
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"spotter/httpapi"
)

// TestLongAnswersAreBounded asks for twelve hours again and again, as clients do that do not read, and then for little.
func TestLongAnswersAreBounded(t *testing.T) {
	for name, uri := range map[string]string{
		"timeline": "/v1/media/cup-final/timeline?from=0&until=43200",
		"vtt":      "/v1/media/cup-final/timeline.vtt?from=0&until=43200",
		"contexts": "/v1/context?position=3600&backward=3600&media=cup-final" + strings.Repeat(",cup-final", 99),
	} {
		t.Run(name, func(t *testing.T) {
			m := cup()
			m.Timelines["cup-final"] = busy(5_400)
			s := newViewer(m)
			const room, most = 8 << 20, 24 << 20
			httpapi.SetRoom(s, room)
			var unread []*fasthttp.RequestCtx
			size := 0
			for {
				ctx := ask(s, "GET", uri, "")
				unread = append(unread, ctx)
				size += len(ctx.Response.Body())
				refused := ctx.Response.StatusCode() == fasthttp.StatusServiceUnavailable && header(ctx, "Retry-After") != ""
				ctx.Response.Reset() // for this test needs no memory
				if refused {
					break
				}
				if size > most {
					t.Fatalf("%d answers that nobody reads take %d MiB", len(unread), size>>20)
				}
			}
			if ctx := ask(s, "GET", lookUpPath, ""); ctx.Response.StatusCode() != 200 {
				t.Errorf("a look-up: %d", ctx.Response.StatusCode())
			}
			if ctx := ask(s, "GET", "/v1/media/cup-final/timeline?from=0&until=60", ""); ctx.Response.StatusCode() != 200 {
				t.Errorf("a short timeline: %d", ctx.Response.StatusCode())
			}
			for _, ctx := range unread {
				ctx.Request.Reset() // as fasthttp does when the answer is written
			}
			for range len(unread) - 1 { // all of the room is there again
				if ctx := ask(s, "GET", uri, ""); ctx.Response.StatusCode() != 200 {
					t.Fatalf("after that: %d", ctx.Response.StatusCode())
				}
			}
		})
	}
}
