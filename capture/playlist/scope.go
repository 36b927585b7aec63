package playlist

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// maxExpanded caps the bytes of one playlist's addresses and substituted values together: a short line may stand for a
// long address.
const maxExpanded = 64 << 20

var (
	errNoURI    = errors.New("it has no URI")
	errURI      = errors.New("its URI cannot be read") // which may hold a token
	errExpanded = fmt.Errorf("its addresses and variables take more than %d MiB", maxExpanded>>20)
)

// scope is what the lines of one playlist share: the address that they are relative to, and the variables so far.
type scope struct {
	base                *url.URL
	query               string // what relative references get
	imported, variables map[string]string
	expanded            int // bytes so far
}

func newScope(base *url.URL, imported map[string]string) scope {
	return scope{base: base, query: passedOn(base.RawQuery), imported: imported, variables: map[string]string{}}
}

// passedOn returns a query without the delivery directives (rfc8216bis section 6.2.5) and steering parameters
// (section 7.2), which are about the playlist alone.
func passedOn(query string) string {
	var kept []string
	for p := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(p, "=")
		switch name {
		case "", "_HLS_msn", "_HLS_part", "_HLS_skip", "_HLS_pathway", "_HLS_throughput":
		default:
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "&")
}

// attributes reads a tag's list and puts variables into its values.
func (s *scope) attributes(value string) (attributes, error) {
	list := parseAttributes(value)
	if !strings.Contains(value, "{$") {
		return list, nil
	}
	for i := range list {
		var err error
		if list[i].value, err = s.expand(list[i].value); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// expand puts the values of variables in place of {$name} (section 4.3). What is put in is not searched again.
func (s *scope) expand(text string) (string, error) {
	if !strings.Contains(text, "{$") {
		return text, nil
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{$")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		n := 0
		for n < len(rest) && inName(rest[n]) {
			n++
		}
		if n == 0 || n == len(rest) || rest[n] != '}' {
			b.WriteString("{$")
			text = rest
			continue
		}
		value, ok := s.variables[rest[:n]]
		if !ok {
			return "", fmt.Errorf("the variable %.40q is not defined before its use", rest[:n])
		}
		if err := s.spend(len(value)); err != nil {
			return "", err
		}
		b.WriteString(value)
		text = rest[n+1:]
	}
}

func inName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func (s *scope) spend(bytes int) error {
	if s.expanded += bytes; s.expanded > maxExpanded {
		return errExpanded
	}
	return nil
}

// define reads an EXT-X-DEFINE (section 4.4.2.3).
func (s *scope) define(value string) error {
	a, err := s.attributes(value)
	if err != nil {
		return err
	}
	name, v := a.get("NAME"), a.get("VALUE")
	known := true
	if q, ok := a.lookup("QUERYPARAM"); ok {
		name = q
		if v, known = parameter(s.base.RawQuery, q); !known {
			return fmt.Errorf("the playlist's address has no query parameter %.40q", q)
		}
	}
	if i, ok := a.lookup("IMPORT"); ok {
		name = i
		if v, known = s.imported[i]; !known {
			return fmt.Errorf("the multivariant playlist defines no variable %.40q", i)
		}
	}
	if name == "" {
		return errors.New("it names no variable")
	}
	if _, ok := s.variables[name]; ok {
		return fmt.Errorf("the variable %.40q is defined twice", name)
	}
	if len(s.variables) == MaxVariables {
		return fmt.Errorf("there are more than %d variables", MaxVariables)
	}
	s.variables[name] = v
	return nil
}

// parameter returns the value of a query's first parameter of a name. A plus sign stays one: tokens hold them.
func parameter(query, name string) (value string, ok bool) {
	for p := range strings.SplitSeq(query, "&") {
		n, v, _ := strings.Cut(p, "=")
		if n, err := url.PathUnescape(n); err != nil || n != name {
			continue
		}
		v, err := url.PathUnescape(v)
		return v, err == nil
	}
	return "", false
}

// resolve returns the address that a reference stands for. A relative one without a query gets the playlist's: that is
// how signed addresses reach what they name.
func (s *scope) resolve(reference string) (*url.URL, error) {
	if reference == "" {
		return nil, errNoURI
	}
	r, err := url.Parse(reference)
	if err != nil && (reference[0]|0x20 < 'a' || reference[0]|0x20 > 'z') { // "10:30:05.ts" has no scheme
		r, err = url.Parse("./" + reference)
	}
	if err != nil {
		return nil, errURI
	}
	u := s.base.ResolveReference(r)
	if r.Scheme == "" && r.Host == "" && r.User == nil && r.RawQuery == "" {
		u.RawQuery, u.ForceQuery = s.query, false
	}
	return u, s.spend(len(u.Path) + len(u.RawPath) + len(u.Opaque) + len(r.RawQuery))
}

// line is resolve for a URI line.
func (s *scope) line(uri string) (*url.URL, error) {
	uri, err := s.expand(uri)
	if err != nil {
		return nil, err
	}
	return s.resolve(uri)
}

// start reads an EXT-X-START (section 4.4.2.2); nil where it has no offset.
func (s *scope) start(value string) (*Start, error) {
	a, err := s.attributes(value)
	if err != nil {
		return nil, err
	}
	offset := strings.TrimPrefix(a.get("TIME-OFFSET"), "+")
	back := strings.HasPrefix(offset, "-")
	d, ok := seconds(strings.TrimPrefix(offset, "-"))
	if !ok {
		return nil, nil
	}
	if back {
		d = -d
	}
	return &Start{Offset: d, Precise: a.yes("PRECISE")}, nil
}
