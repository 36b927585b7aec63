package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

// mostThumbnails is how many pictures one answer tells of.
const mostThumbnails = 500

// Thumbnails keeps small pictures of what was looked at. Its methods may be called from many goroutines at once.
type Thumbnails interface {
	// Within returns the pictures of a media in a closed window, by position: where there are more than most, that many, as
	// evenly spread as can be, and thinned is true.
	Within(media string, w timeline.Span, most int) (list []Thumbnail, thinned bool, err error)
	// JPEG returns the picture of a media at exactly a position, the same bytes each time, or nil where there is none any more.
	JPEG(media string, at timeline.Position) ([]byte, error)
}

// Thumbnail is what is known of a small picture.
type Thumbnail struct {
	At            timeline.Position
	Width, Height int // in pixels
	Boxes         []ThumbnailBox
}

// ThumbnailBox is somebody or something recognised in a picture, and where.
type ThumbnailBox struct {
	Name string `json:"name"`
	ID   string `json:"id,omitempty"`
	// Kind is "celebrity" or "object".
	Kind string `json:"kind"`
	// Confidence is 0 to 100.
	Confidence float64 `json:"confidence"`
	// Left, Top, Width and Height are parts of the picture's width and height, 0 to 1.
	Left   float64 `json:"left"`
	Top    float64 `json:"top"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
}

// thumbnailRoutes registers GET /v1/media/{media}/thumbnails and the pictures below it. A box without t has none.
func (v *viewer) thumbnailRoutes(s *Server, t Thumbnails) {
	if t == nil {
		t = noThumbnails{}
	}
	s.get("/v1/media/{media}/thumbnails", func(ctx *fasthttp.RequestCtx) error { return v.thumbnails(ctx, t) })
	s.get("/v1/media/{media}/thumbnails/{picture}", func(ctx *fasthttp.RequestCtx) error { return v.thumbnail(ctx, t) })
}

// noThumbnails is a box that keeps no pictures. Its answers are empty: that is no fault of who asks.
type noThumbnails struct{}

func (noThumbnails) Within(string, timeline.Span, int) ([]Thumbnail, bool, error) {
	return nil, false, nil
}

func (noThumbnails) JPEG(string, timeline.Position) ([]byte, error) { return nil, nil }

// thumbnailJSON is a Thumbnail as it is shown.
type thumbnailJSON struct {
	Position timeline.Position `json:"position"`
	URL      string            `json:"url"`
	Width    int               `json:"width"`
	Height   int               `json:"height"`
	Boxes    []ThumbnailBox    `json:"boxes"`
}

// thumbnails answers GET /v1/media/{media}/thumbnails: the pictures of a window, and what is where in them.
func (v *viewer) thumbnails(ctx *fasthttp.RequestCtx, t Thumbnails) error {
	id := pathID(ctx)
	q, err := parseTimelineQuery(ctx.QueryArgs())
	if err != nil {
		return v.refuse(id, err)
	}
	if _, err := v.media.Status(id); err != nil {
		return missing(id, err)
	}
	w, err := v.window(id, q)
	if err != nil {
		return err
	}
	list, thinned, err := t.Within(id, w, mostThumbnails)
	if err != nil {
		return fmt.Errorf("thumbnails: %w", err)
	}
	answer := struct {
		Thumbnails []thumbnailJSON `json:"thumbnails"`
		Thinned    bool            `json:"thinned,omitempty"`
	}{make([]thumbnailJSON, len(list)), thinned}
	base := prefixMedia + url.PathEscape(id) + "/thumbnails/"
	key := carriedQuery(ctx)
	for i, x := range list {
		name := base + strconv.FormatInt(int64(x.At), 10) + suffixPicture + key
		answer.Thumbnails[i] = thumbnailJSON{x.At, name, x.Width, x.Height, append([]ThumbnailBox{}, x.Boxes...)}
	}
	body, err := marshal(answer)
	if err != nil {
		return fmt.Errorf("encode thumbnails: %w", err)
	}
	if err := v.room.take(ctx, len(body)); err != nil {
		return err
	}
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheBriefly)
	sendTagged(ctx, contentTypeJSON, body)
	return nil
}

const suffixPicture = ".jpg"

// thumbnail answers GET /v1/media/{media}/thumbnails/{picture}: a JPEG, named after its position in milliseconds.
func (v *viewer) thumbnail(ctx *fasthttp.RequestCtx, t Thumbnails) error {
	id := pathID(ctx)
	if _, err := v.media.Status(id); err != nil {
		return missing(id, err)
	}
	name, _ := ctx.UserValue("picture").(string)
	at, ok := pictureAt(name)
	var picture []byte
	if ok {
		var err error
		if picture, err = t.JPEG(id, at); err != nil {
			return fmt.Errorf("thumbnail: %w", err)
		}
	}
	if picture == nil {
		return newProblem(fasthttp.StatusNotFound, fmt.Sprintf("there is no picture %q, or not any more", clip(name)))
	}
	sendPicture(ctx, picture)
	return nil
}

// pictureAt returns the position that the name of a picture says. Each has one name.
func pictureAt(name string) (timeline.Position, bool) {
	digits, ok := strings.CutSuffix(name, suffixPicture)
	n, err := strconv.ParseInt(digits, 10, 64)
	at := timeline.Position(n)
	return at, ok && err == nil && strconv.FormatInt(n, 10) == digits && at >= -timeline.MaxPosition && at <= timeline.MaxPosition
}

// sendPicture answers with a JPEG that never changes, or with 304 when the client has it. It goes as a stream, which no coding is
// put on: it is compressed already.
func sendPicture(ctx *fasthttp.RequestCtx, picture []byte) {
	sum := sha256.Sum256(picture)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderETag, tag)
	h.Set(fasthttp.HeaderCacheControl, cacheForever)
	h.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	ctx.SetContentType("image/jpeg")
	if noneMatch(ctx.Request.Header.Peek(fasthttp.HeaderIfNoneMatch), []byte(tag)) {
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	ctx.Response.SetBodyStream(bytes.NewReader(picture), len(picture))
}
