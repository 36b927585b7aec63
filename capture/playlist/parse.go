package playlist

import (
	"fmt"
	"net/url"
)

// Parse reads a playlist whose URIs are relative to base. imported are the variables of the multivariant playlist that
// led here. Exactly one result is not nil. Errors wrap ErrFormat, and quote no URI.
func Parse(body []byte, base *url.URL, imported map[string]string) (*Media, *Multivariant, error) {
	s, err := decode(body)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if s.multivariant {
		m, err := readMultivariant(s, base)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		return nil, m, nil
	}
	m, err := readMedia(s, base, imported)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return m, nil, nil
}

// walk hands on the tags and the URI lines in the playlist's order, and at last the tags behind them all. Errors say
// which tag or line they are about.
func (s *source) walk(what string, first uint64, readTag func(tag) error, readLine func(uriLine) error) error {
	tags := s.tags
	for i := range len(s.uris) + 1 {
		for len(tags) > 0 && tags[0].before <= i {
			if err := readTag(tags[0]); err != nil {
				return fmt.Errorf("%s %d: %s: %w", what, first+uint64(i), tags[0].name, err)
			}
			tags = tags[1:]
		}
		if i == len(s.uris) {
			break
		}
		if err := readLine(s.uris[i]); err != nil {
			return fmt.Errorf("%s %d: %w", what, first+uint64(i), err)
		}
	}
	return nil
}
