package main

import (
	"net/url"

	"spotter/capture/fetch"
	"spotter/httpapi"
)

// Passing is a Passthrough for tests, whose media can be changed.
type Passing struct {
	httpapi.Origins
	Offers func(media string) bool
	// Set puts others in the place of the media there are.
	Set func(media map[string]PassedSource)
}

// PassedSource is where a stream's playlist is read.
type PassedSource struct {
	URL    *url.URL
	Getter fetch.Getter
}

// NewPassing returns a Passthrough of no media.
func NewPassing() *Passing {
	all := new(streams)
	offers := func(media string) bool {
		x, err := all.stream(media)
		return err == nil && x.asksOrigin()
	}
	return &Passing{newPassthrough(all), offers, func(media map[string]PassedSource) {
		var list []*stream
		for id, from := range media {
			list = append(list, &stream{
				pipeline: &pipeline{media: mediaConfig{ID: id}},
				source:   &source{urls: []*url.URL{from.URL}, getter: from.Getter, recording: from.URL.Scheme == "file"},
			})
		}
		all.publish(list)
	}}
}
