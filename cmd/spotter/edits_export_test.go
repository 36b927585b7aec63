package main

import (
	"log/slog"

	"spotter/httpapi"
	"spotter/vision/local/gallery"
)

// NewEdits returns the editor of a store; people may be nil.
func NewEdits(s editStore, people *gallery.Gallery) httpapi.Editor {
	return &edits{store: s, people: people, log: slog.New(slog.DiscardHandler)}
}
