package main_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentChecks has the checks of documents refuse what is not there.
func TestDocumentChecks(t *testing.T) {
	t.Parallel()
	for command, fine := range map[string]bool{
		"make test":                                      true,
		"make crash ARGS=\"-seed 1\"":                    true,
		"make everything":                                false,
		"make crash SEED=1":                              false,
		"go test ./store -run Format":                    true,
		"go test ./store -run TestOfNone":                false,
		"go test ./shop":                                 false,
		"scripts/setup-ops":                              true,
		"scripts/setup-none":                             false,
		"spotter faces add NAME PHOTO...":                true,
		"spotter keys add|list|remove":                   true,
		"spotter keys add|lend":                          false,
		"spotter lookup cup --position 5":                true,
		"spotter lookup cup --place 5":                   false,
		"bin/spotter analyze --format vtt recording.mp4": true,
		"bin/spotter analyse recording.mp4":              false,
		"sudo -u spotter spotter restored /mnt/box.tar":  false,
		"wget https://box.example":                       false,
	} {
		if err := checkCommand(command); (err == nil) != fine {
			t.Errorf("%s: %v", command, err)
		}
	}
	routes := routeTemplates(t)
	for path, want := range map[string]string{
		"/v1/media/cup/context": "/v1/media/{media}/context", "/v1/media/{media}/windows/{from}-{until}": "/v1/media/{media}/windows/{window}",
		"/v1/media/cup/faces": "", "/v2/media": "",
	} {
		if got := matchRoute(routes, path, false); got != want {
			t.Errorf("%s is of %q, want %q", path, got, want)
		}
	}
}

// TestParseDocument takes a document apart.
func TestParseDocument(t *testing.T) {
	t.Parallel()
	d := parseDocument("a.md", "# The A, `b.c`\n\nSay `make x` or `y`.\n\n```sh\nmake one   # why\nmake \\\n  two\n```\n\n    go test ./z\n    word\n")
	blocks, spans := d.commands()
	var got []string
	for _, c := range append(blocks, spans...) {
		got = append(got, c.text)
	}
	if diff := cmp.Diff([]string{"make one", "make   two", "go test ./z", "make x"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]bool{"the-a-bc": true}, d.anchors()); diff != "" {
		t.Error(diff)
	}
}
