package fetch

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
)

const (
	maxKept     = 8       // bodies, the longest unused goes first
	maxKeptBody = 1 << 20 // bytes of each
	maxETag     = 512     // bytes of each validator
)

// validated is a body that the origin can be asked about. It never changes.
type validated struct {
	asked          string // the URL of the request
	answered       *url.URL
	etag, modified string
	body           []byte
}

// ask puts the validators into a request: both, as RFC 9110, 13.2.2 lets the origin choose.
func (v *validated) ask(header http.Header) {
	if v.etag != "" {
		header.Set("If-None-Match", v.etag)
	}
	if v.modified != "" {
		header.Set("If-Modified-Since", v.modified)
	}
}

func (v *validated) url() *url.URL {
	u := *v.answered
	return &u
}

// kept are the last bodies that came with validators, the last used one at the end.
type kept struct {
	mu  sync.Mutex
	all []*validated
}

// find returns what wire, and no other URL on the way of redirects, answered last time.
func (k *kept) find(r Request, wire *url.URL) *validated {
	k.mu.Lock()
	defer k.mu.Unlock()
	asked := r.URL.String()
	for _, v := range k.all {
		if v.asked == asked && withoutUser(v.answered) == wire.String() {
			return v
		}
	}
	return nil
}

func (k *kept) keep(r Request, a answer, body []byte) {
	v := &validated{asked: r.URL.String(), answered: a.url, body: body}
	v.etag, v.modified = validators(a.Header)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.remove(v.asked)
	if ranged(r) || len(body) > maxKeptBody || v.etag == "" && v.modified == "" {
		return
	}
	k.add(v)
}

// fresh takes over the validators of a 304, where it has any (RFC 9111, 4.3.4).
func (k *kept) fresh(r Request, a answer) *validated {
	v := *a.old
	if etag, modified := validators(a.Header); etag != "" || modified != "" {
		v.etag, v.modified = etag, modified
	}
	v.answered = a.url
	k.mu.Lock()
	defer k.mu.Unlock()
	k.remove(v.asked)
	k.add(&v)
	return &v
}

func (k *kept) remove(asked string) {
	k.all = slices.DeleteFunc(k.all, func(v *validated) bool { return v.asked == asked })
}

func (k *kept) add(v *validated) {
	if k.all = append(k.all, v); len(k.all) > maxKept {
		k.all = slices.Delete(k.all, 0, 1)
	}
}

func validators(header http.Header) (etag, modified string) {
	if etag = header.Get("ETag"); len(etag) > maxETag {
		etag = ""
	}
	if modified = header.Get("Last-Modified"); len(modified) > maxETag {
		modified = ""
	}
	return etag, modified
}

func withoutUser(u *url.URL) string {
	v := *u
	v.User = nil
	return v.String()
}
