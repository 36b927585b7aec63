package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// link is Markdown's, pictures included; those to elsewhere are not followed.
var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestDocumentLinks: each link leads to a file that is there, and to a heading that it has.
func TestDocumentLinks(t *testing.T) {
	t.Parallel()
	all := map[string]*document{}
	for _, d := range documents(t) {
		all[d.path] = d
	}
	for _, d := range all {
		for _, l := range d.prose {
			for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(l.text, ""), -1) {
				if strings.Contains(m[1], "://") {
					continue
				}
				name, anchor, _ := strings.Cut(m[1], "#")
				path := d.path
				if name != "" {
					path = filepath.Join(filepath.Dir(d.path), name)
				}
				if _, err := os.Stat(filepath.Join(repositoryRoot, path)); err != nil {
					t.Errorf("%s:%d: there is no %s", d.path, l.number, path)
				} else if anchor != "" && (all[path] == nil || !all[path].anchors()[anchor]) {
					t.Errorf("%s:%d: %s has no heading #%s", d.path, l.number, path, anchor)
				}
			}
		}
	}
	readme := all["README.md"]
	for path := range all {
		if filepath.Dir(path) == "docs" && !readme.names(path) {
			t.Errorf("README.md does not lead to %s", path)
		}
	}
}

// names reports whether a document has a link to a file.
func (d *document) names(path string) bool {
	for _, l := range d.prose {
		if strings.Contains(l.text, "("+path) {
			return true
		}
	}
	return false
}
