package httpapi

import (
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"spotter/timeline"
)

// Overview is what a box tells of itself beside what its Media tell. It is shown to everybody who may ask the viewer API, so
// there is no secret in it: no address with credentials or a query, and no text of a service that was asked.
type Overview struct {
	Version string
	// Work is what was done on each media, by id. One that is missing was not worked on here.
	Work map[string]MediaWork
	// Mends say what to do about a fault, in one sentence, by its kind.
	Mends map[string]string
	// Cloud is nil without the cloud.
	Cloud *CloudSpending
	// Sync has the sinks that are configured.
	Sync []SinkBacklog
	// Engage, Edits and Gallery say whether viewers are engaged, and whether the page may change observations and people.
	Engage, Edits, Gallery bool
}

// MediaWork is what a box did on one media since it was started.
type MediaWork struct {
	// Source is the address of the stream, fit to be shown; empty where it is not known.
	Source string
	// Sampled pictures were shown to the scene gate, Admitted ones were new to it, Asked ones went to a recogniser.
	Sampled, Admitted, Asked int
	// Observations are those that are kept, of earlier runs too.
	Observations int
	// Player says that the pass-through has the stream.
	Player bool
	// Faults are those of the box that concern the media, beside those of its Status.
	Faults []Fault
}

// CloudSpending is what the cloud is paid, in US dollars at list price.
type CloudSpending struct {
	// Hour is what was spent in the last hour, Ceiling what may be; nil for no ceiling.
	Hour    float64  `json:"usd_hour"`
	Ceiling *float64 `json:"usd_ceiling"`
	// Saved is what asking about every sampled picture would have cost since the start, less what was spent.
	Saved float64 `json:"usd_saved"`
	// Calls were made since the start, repeats included.
	Calls uint64 `json:"calls"`
}

// SinkBacklog is what waits for a sink.
type SinkBacklog struct {
	Sink    string `json:"sink"`
	Waiting int    `json:"waiting"`
	// Oldest is for how long the first of them has waited, in seconds; 0 where none does.
	Oldest float64 `json:"oldest"`
	// Fault is why the sink takes nothing; empty while it does.
	Fault string `json:"fault"`
}

// mendedFault is a Fault with what to do about it.
type mendedFault struct {
	Fault
	Mend string `json:"mend,omitempty"`
}

// mediaOverview is one media as GET /v1/overview shows it.
type mediaOverview struct {
	Media         string             `json:"media"`
	State         string             `json:"state"`
	LiveEdge      *timeline.Position `json:"live_edge"`
	AnalyzedUntil *timeline.Position `json:"analyzed_until"`
	Delay         *timeline.Position `json:"delay"`
	StartedAt     *time.Time         `json:"started_at"`
	Source        *string            `json:"source"`
	Sampled       int                `json:"sampled"`
	Admitted      int                `json:"admitted"`
	Asked         int                `json:"asked"`
	Observations  int                `json:"observations"`
	Faults        []mendedFault      `json:"faults"`
	Player        *string            `json:"player"`
}

func newMediaOverview(s *Status, box *Overview) *mediaOverview {
	work := box.Work[s.Media]
	m := &mediaOverview{
		Media: s.Media, State: s.State, LiveEdge: s.LiveEdge, AnalyzedUntil: s.AnalyzedUntil, StartedAt: s.StartedAt,
		Sampled: work.Sampled, Admitted: work.Admitted, Asked: work.Asked, Observations: work.Observations,
		Faults: []mendedFault{},
	}
	if s.LiveEdge != nil && s.AnalyzedUntil != nil {
		delay := max(*s.LiveEdge-*s.AnalyzedUntil, 0)
		m.Delay = &delay
	}
	if work.Source != "" {
		m.Source = &work.Source
	}
	if work.Player {
		player := prefixMedia + url.PathEscape(s.Media) + "/hls/index.m3u8"
		m.Player = &player
	}
	for _, list := range [][]Fault{s.Faults, work.Faults} {
		for _, f := range list {
			m.Faults = append(m.Faults, mendedFault{f, box.Mends[f.Kind]})
		}
	}
	return m
}

// overviewText is the overview at one moment, as JSON in pieces of which each client gets those that it may see.
type overviewText struct {
	head  []byte
	media []mediaText
	tail  []byte // for those who may see all media
	brief []byte // for others: without what the box spends and sends
	// vital changes where clients are to be told at once.
	vital string
}

type mediaText struct {
	id   string
	json []byte
}

// appendTo appends the overview as somebody sees it who may see all, or those media for which may is true.
func (o *overviewText) appendTo(b []byte, all bool, may func(id string) bool) []byte {
	b = append(b, o.head...)
	first := true
	for _, m := range o.media {
		if !all && !may(m.id) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, m.json...)
	}
	if all {
		return append(b, o.tail...)
	}
	return append(b, o.brief...)
}

// overviews makes the overview, once for all who ask within a while.
type overviews struct {
	media Media
	tell  func() Overview // nil where only media tell

	mu     sync.Mutex
	made   time.Time
	latest *overviewText
	err    error // of making the latest
}

// overviewFresh is for how long an overview is shown again to those who ask.
const overviewFresh = 250 * time.Millisecond

// current returns an overview that is no older than overviewFresh.
func (o *overviews) current() (*overviewText, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made.IsZero() || time.Since(o.made) >= overviewFresh {
		o.remake()
	}
	return o.latest, o.err
}

// renewed returns an overview of now.
func (o *overviews) renewed() (*overviewText, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.remake()
	return o.latest, o.err
}

// remake makes the latest anew. The caller holds mu.
func (o *overviews) remake() {
	o.latest, o.err = o.make(time.Now().UTC().Truncate(time.Millisecond))
	o.made = time.Now()
}

func (o *overviews) make(at time.Time) (*overviewText, error) {
	ids, err := o.media.IDs()
	if err != nil {
		return nil, err
	}
	var box Overview
	if o.tell != nil {
		box = o.tell()
	}
	text := new(overviewText)
	if err := text.frame(at, &box); err != nil {
		return nil, err
	}
	var vital strings.Builder
	vital.Write(text.brief)
	for _, s := range box.Sync {
		vital.WriteString(s.Sink + ":" + s.Fault + "\n")
	}
	for _, id := range ids {
		status, err := o.media.Status(id)
		if errors.Is(err, ErrUnknownMedia) { // it has gone since
			continue
		}
		if err != nil {
			return nil, err
		}
		m := newMediaOverview(&status, &box)
		b, err := marshal(m)
		if err != nil {
			return nil, err
		}
		text.media = append(text.media, mediaText{id, b})
		m.vitalTo(&vital)
	}
	text.vital = vital.String()
	return text, nil
}

// frame makes what is around the media.
func (o *overviewText) frame(at time.Time, box *Overview) error {
	head := struct {
		At      time.Time `json:"at"`
		Version string    `json:"version"`
	}{at, box.Version}
	type offers struct {
		Cloud   *CloudSpending `json:"cloud"`
		Sync    []SinkBacklog  `json:"sync"`
		Engage  bool           `json:"engage"`
		Edits   bool           `json:"edits"`
		Gallery bool           `json:"gallery"`
	}
	brief := offers{nil, []SinkBacklog{}, box.Engage, box.Edits, box.Gallery}
	whole := brief
	whole.Cloud, whole.Sync = box.Cloud, append(whole.Sync, box.Sync...)
	var err error
	if o.head, err = marshal(head); err != nil {
		return err
	}
	o.head = append(o.head[:len(o.head)-1], `,"media":[`...)
	for to, from := range map[*[]byte]offers{&o.tail: whole, &o.brief: brief} {
		b, err := marshal(from)
		if err != nil {
			return err
		}
		*to = append([]byte("],"), b[1:]...)
	}
	return nil
}

// vitalTo writes what of a media clients are to be told at once: not what grows all the time.
func (m *mediaOverview) vitalTo(b *strings.Builder) {
	for _, s := range []string{m.Media, m.State} {
		b.WriteString(s + "\n")
	}
	for _, s := range []*string{m.Source, m.Player} {
		if s != nil {
			b.WriteString(*s)
		}
		b.WriteByte('\n')
	}
	for _, f := range m.Faults {
		b.WriteString(f.Kind + "\n")
	}
}

// overviewRoutes registers GET /v1/overview and GET /v1/overview/live. Without tell there is what Media tells.
func (v *viewer) overviewRoutes(s *Server, tell func() Overview) {
	o := &overviews{media: v.media, tell: tell}
	s.get("/v1/overview", func(ctx *fasthttp.RequestCtx) error {
		text, err := o.current()
		if err != nil {
			return err
		}
		who := IdentityOf(ctx)
		ctx.Response.Header.Set(fasthttp.HeaderCacheControl, cacheBriefly)
		ctx.SetContentType(contentTypeJSON)
		ctx.SetBody(text.appendTo(nil, who.mayAskAll(), who.MayAsk))
		return nil
	})
	live := &overviewLive{overviews: o, hub: s.live}
	s.get("/v1/overview/live", live.follow)
}

// mayAskAll reports whether i may ask for every media, those to come too. Only who may is told what the box spends and sends.
func (i *Identity) mayAskAll() bool { return i == nil || i.media == nil }
