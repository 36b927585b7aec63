package playlist

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// readMultivariant reads the tags of rfc8216bis section 4.4.6.
func readMultivariant(s *source, base *url.URL) (*Multivariant, error) {
	r := multivariantReader{scope: newScope(base, nil), out: &Multivariant{}}
	if err := s.walk("variant", 1, r.tag, r.line); err != nil {
		return nil, err
	}
	if len(r.out.Variants) == 0 {
		return nil, errors.New("it names no variant")
	}
	r.out.Variables = r.variables
	return r.out, nil
}

type multivariantReader struct {
	scope
	out  *Multivariant
	next Variant // of the URI line that follows
}

func (r *multivariantReader) tag(t tag) (err error) {
	out := r.out
	switch t.name {
	case "EXT-X-DEFINE":
		err = r.define(t.value)
	case "EXT-X-START":
		out.Start, err = r.start(t.value)
	case "EXT-X-STREAM-INF":
		r.next, _, err = r.variant(t.value)
	case "EXT-X-I-FRAME-STREAM-INF":
		err = r.iframes(t.value)
	case "EXT-X-CONTENT-STEERING":
		err = r.steering(t.value)
	case "EXT-X-SESSION-KEY":
		var k *Key
		if k, err = r.key(t.value); k != nil {
			out.Keys = append(out.Keys, *k)
		}
		if len(out.Keys) > MaxVariants {
			err = fmt.Errorf("there are more than %d", MaxVariants)
		}
	}
	return err
}

func (r *multivariantReader) line(l uriLine) (err error) {
	if r.next.URL, err = r.scope.line(l.uri); err == nil {
		r.out.Variants = append(r.out.Variants, r.next)
	}
	return err
}

// variant reads the attributes of section 4.4.6.2.
func (r *multivariantReader) variant(value string) (Variant, attributes, error) {
	a, err := r.attributes(value)
	if err != nil {
		return Variant{}, nil, err
	}
	v := Variant{
		Bandwidth: number(a.get("BANDWIDTH")), Codecs: a.get("CODECS"), VideoRange: a.get("VIDEO-RANGE"),
		Pathway: a.get("PATHWAY-ID"), StableID: a.get("STABLE-VARIANT-ID"),
		FrameRate: a.seconds("FRAME-RATE").Seconds(), // as large and as exact as a rate need be
	}
	v.Width, v.Height = resolution(a.get("RESOLUTION"))
	return v, a, nil
}

func (r *multivariantReader) iframes(value string) error {
	v, a, err := r.variant(value)
	if err != nil {
		return err
	}
	if len(r.out.IFrames) == MaxVariants {
		return fmt.Errorf("there are more than %d", MaxVariants)
	}
	if v.URL, err = r.resolve(a.get("URI")); err == nil {
		r.out.IFrames = append(r.out.IFrames, v)
	}
	return err
}

// steering reads an EXT-X-CONTENT-STEERING (section 4.4.6.6).
func (r *multivariantReader) steering(value string) error {
	a, err := r.attributes(value)
	if err != nil {
		return err
	}
	u, err := r.resolve(a.get("SERVER-URI"))
	if err == nil {
		r.out.Steering = &Steering{Server: u, Pathway: a.get("PATHWAY-ID")}
	}
	return err
}

// resolution reads "1920x1080"; 0 where it is not said.
func resolution(s string) (width, height int) {
	w, h, ok := strings.Cut(strings.ToLower(s[:min(len(s), 32)]), "x")
	if !ok {
		return 0, 0
	}
	return number(w), number(h)
}
