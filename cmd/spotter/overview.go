package main

import (
	"math"
	"net/url"
	"time"

	"spotter/capture/fetch"
	"spotter/httpapi"
	"spotter/vision"
	"spotter/vision/rekognition"
)

// boxOverview is what the page is told of a box with streams.
type boxOverview struct {
	streams *streams
	meters  *meters
	purse   *vision.Purse // nil without the cloud
	cloud   *faultLog     // of asking the cloud; nil without
	copied  *cloudCopy
	offers  offers
}

// offers are the parts of the page that a box has.
type offers struct{ engage, edits, gallery bool }

// offers returns what a box with this configuration has. What the page changes takes the admin listener's token.
func (c *config) offers(gallery bool) offers {
	token := c.HTTP.Admin.TokenFile != ""
	return offers{engage: c.Engage != nil, edits: token, gallery: token && gallery}
}

// tell returns the overview of now, for httpapi.ViewerConfig. It may be called from any goroutine.
func (b *boxOverview) tell() httpapi.Overview {
	out := httpapi.Overview{
		Version: version(), Mends: sentences(mends()), Work: make(map[string]httpapi.MediaWork),
		Engage: b.offers.engage, Edits: b.offers.edits, Gallery: b.offers.gallery,
	}
	faults := b.cloudFaults()
	set := b.streams.configured()
	for _, id := range set.order {
		w := set.byID[id].work()
		w.Faults = faults
		out.Work[id] = w
	}
	for _, id := range b.streams.store.Media() {
		if t, ok := b.streams.store.Timeline(id); ok {
			w := out.Work[id]
			w.Observations = t.Len()
			out.Work[id] = w
		}
	}
	if b.purse != nil {
		out.Cloud = b.spending()
	}
	if b.copied != nil {
		out.Sync = b.copied.sinkBacklogs()
	}
	return out
}

// work is what was done on the stream since the program was started.
func (s *stream) work() httpapi.MediaWork {
	m := s.pipeline.metrics
	return httpapi.MediaWork{
		Source: s.address(), Player: s.source != nil && !s.source.recording,
		Sampled: count(m.sampled), Admitted: count(m.admitted), Asked: m.answered() + count(m.failed),
	}
}

// address returns the stream's address as everybody may see it: of one that is kept in a file as a secret, the host alone.
func (s *stream) address() string {
	if s.source == nil || len(s.source.urls) == 0 {
		return ""
	}
	u := *s.source.urls[0]
	s.mu.Lock()
	follower := s.follower
	s.mu.Unlock()
	if follower != nil {
		if now := follower.Status(); now.URL != nil {
			u = *now.URL
		}
	}
	u.RawQuery, u.ForceQuery = "", false
	if s.pipeline.media.URLFile != "" {
		u = url.URL{Scheme: u.Scheme, Host: u.Host}
	}
	return fetch.Redact(u.String())
}

// cloudFaults are the latest faults of asking the cloud, which concern every stream.
func (b *boxOverview) cloudFaults() []httpapi.Fault {
	if b.cloud == nil {
		return nil
	}
	list := b.cloud.list()
	for i := range list {
		list[i].Message = cloudWords(list[i].Kind)
	}
	return list
}

func (b *boxOverview) spending() *httpapi.CloudSpending {
	c := &httpapi.CloudSpending{
		Hour: b.purse.LastHourUSD(), Saved: b.meters.savedUSD(b.purse),
		Calls: b.purse.Calls(rekognition.CelebritiesAPI) + b.purse.Calls(rekognition.LabelsAPI),
	}
	if most := b.purse.Budget().USDPerHour; !math.IsInf(most, 0) && !math.IsNaN(most) {
		c.Ceiling = &most
	}
	return c
}

// savedUSD returns the list price of asking about every sampled picture, less what was spent.
func (m *meters) savedUSD(p *vision.Purse) float64 {
	return max(float64(m.looks.Load())*rekognition.USDPerPicture-p.SpentUSD(), 0)
}

// sinkBacklogs tells of each sink what waits for it, and why.
func (cc *cloudCopy) sinkBacklogs() (out []httpapi.SinkBacklog) {
	for _, d := range cc.drainers {
		b, state := cc.store.Backlog(d.Sink), d.State()
		one := httpapi.SinkBacklog{Sink: d.Sink, Waiting: b.Entries}
		if b.Entries > 0 {
			one.Oldest = time.Since(b.Oldest).Round(time.Millisecond).Seconds()
		}
		if state.Fault != nil {
			one.Fault = state.Kind.String() + " since " + state.Since.UTC().Format(time.RFC3339) + ": " + sinkWords(state.Kind)
		}
		out = append(out, one)
	}
	return out
}

// copyOverview returns what the page is told of a copy of the viewer API: beside what the table says of the media, only what
// they need for their faults.
func copyOverview(c *config) func() httpapi.Overview {
	engage := c.Engage != nil
	return func() httpapi.Overview {
		return httpapi.Overview{Version: version(), Mends: sentences(mends()), Engage: engage}
	}
}
