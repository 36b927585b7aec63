package origin

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Serve answers as a healthy origin.
func (o *Origin) Serve(w http.ResponseWriter, r *http.Request) {
	if status := o.style.Gate.check(w, r); status != 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	s, path := o.stream(r.URL.Path)
	if path == Media {
		if status, err := o.block(r, s); status != 0 {
			http.Error(w, err.Error(), status)
			return
		}
	}
	if segment, ok := o.grow(w, r, s, path); ok {
		w.Header().Set("Content-Type", s.contentType())
		http.ServeContent(w, r, "", time.Time{}, segment)
		return
	}
	body, ok := o.resource(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	o.label(w, s, path, body)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// label says of which type a resource is, and of which version.
func (o *Origin) label(w http.ResponseWriter, s *stream, path string, body []byte) {
	switch {
	case strings.HasSuffix(path, ".m3u8"):
		w.Header().Set("Content-Type", playlistType)
	case path == SteeringPath:
		w.Header().Set("Content-Type", "application/json")
	case strings.HasPrefix(path, keyPaths):
		w.Header().Set("Content-Type", "application/octet-stream")
	default:
		w.Header().Set("Content-Type", s.contentType())
	}
	if o.style.Validators {
		w.Header().Set("ETag", fmt.Sprintf("%q", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 16)))
	}
}

func (s *stream) contentType() string {
	if s.clip.Init != nil {
		return fmp4Type
	}
	return transportType
}

// stream returns whose a path is, and the path without its prefix.
func (o *Origin) stream(path string) (*stream, string) {
	for _, s := range o.streams[1:] {
		if rest, ok := strings.CutPrefix(path, s.prefix+"/"); ok {
			return s, "/" + rest
		}
	}
	return o.streams[0], path
}

// resource returns what is at a path, now or for a part that is hinted at when it is out.
func (o *Origin) resource(r *http.Request) ([]byte, bool) {
	s, path := o.stream(r.URL.Path)
	if name, ok := strings.CutPrefix(path, partPaths); ok {
		return o.part(r, s, name)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case r.URL.Path == Multivariant:
		return o.multivariant(), true
	case r.URL.Path == SteeringPath:
		return o.manifest(), o.style.Pathway != ""
	case path == Media:
		delta := r.URL.Query().Has("_HLS_skip") && (o.style.Part > 0 || o.style.Delta)
		return o.media(s, len(s.list), delta), len(s.list) > 0 || s.pending != nil
	case path == IFrames:
		return o.iframes(s), o.style.IFrames && len(s.list) > 0
	case path == InitPath:
		return s.init(), s.clip.Init != nil
	case path == wholePath:
		return s.whole(), o.style.ByteRanges
	case strings.HasPrefix(path, keyPaths):
		return s.secret(strings.TrimPrefix(path, keyPaths))
	}
	number, err := strconv.ParseUint(strings.TrimPrefix(path, segmentPaths), 10, 64)
	if err != nil {
		return nil, false
	}
	if p := s.find(number); p != nil {
		return s.encrypt(s.body(p), number), true
	}
	return nil, false
}

// whole is the one resource of ByteRanges. What went out of it leaves zeros behind: the others stay where they are.
func (s *stream) whole() (all []byte) {
	if len(s.list) > 0 {
		all = make([]byte, s.list[0].offset)
	}
	for _, p := range s.list {
		all = append(all, s.body(p)...)
	}
	return all
}

// Gate is what an origin demands of who asks. It answers 401 where the name or password is wrong, 403 for the rest.
type Gate struct {
	Cookie         string // name=value, which the multivariant playlist sets and everything else wants back
	Query          string // name=value, which every URI must carry; playlists name it only where Style.Query does
	User, Password string // basic authentication
	Header, Value  string // a header of the client's
}

// check returns the status of a refusal, or 0.
func (g Gate) check(w http.ResponseWriter, r *http.Request) int {
	if user, password, _ := r.BasicAuth(); user != g.User && g.User != "" || password != g.Password && g.User != "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="origin"`)
		return http.StatusUnauthorized
	}
	if name, value, ok := strings.Cut(g.Query, "="); ok && r.URL.Query().Get(name) != value {
		return http.StatusForbidden
	}
	if g.Header != "" && r.Header.Get(g.Header) != g.Value {
		return http.StatusForbidden
	}
	name, value, ok := strings.Cut(g.Cookie, "=")
	if !ok {
		return 0
	}
	if r.URL.Path == Multivariant {
		http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/"})
		return 0
	}
	if c, err := r.Cookie(name); err != nil || c.Value != value {
		return http.StatusForbidden
	}
	return 0
}
