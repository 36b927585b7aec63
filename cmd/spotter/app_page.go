package main

import "spotter/httpapi"

// shown is what the viewer listener of a box shows, and what the page steers there.
func (a *app) shown(c *config) httpapi.ViewerConfig {
	overview := &boxOverview{
		streams: a.streams, meters: a.meters, purse: a.recognizers.purse, cloud: a.cloudFaults, copied: a.cloud,
		offers: c.offers(a.people.known()),
	}
	return httpapi.ViewerConfig{
		Media: a.streams, Overview: overview.tell, Origins: newPassthrough(a.streams), Thumbnails: viewerThumbnails(a.thumbnails),
		Admin: &httpapi.PageAdmin{
			Editor: &edits{store: a.store, people: a.recognizers.gallery, log: a.log},
			People: a.people,
		},
	}
}
