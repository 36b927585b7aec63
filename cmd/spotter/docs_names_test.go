package main_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	spotter "spotter/cmd/spotter"
	"spotter/engage/instrument"
)

// keyPath is a key of the configuration in prose, with the sections above it.
var keyPath = regexp.MustCompile(`^(http|vision|sync|retention|engage|timeline|log)\.[a-z0-9_.]+$`)

// notKeys look like keys of the configuration and are names of something else.
var notKeys = map[string]bool{"timeline.vtt": true, "engage.md": true}

// TestDocumentKeys: what a document calls a key of the configuration is one, alone, in a table of keys, or in YAML.
func TestDocumentKeys(t *testing.T) {
	t.Parallel()
	keys := spotter.ConfigKeys()
	last := map[string]bool{} // by every end of a path
	for key := range keys {
		for part := key; part != ""; _, part, _ = strings.Cut(part, ".") {
			last[part] = true
		}
	}
	for _, d := range documents(t) {
		inTable := false
		for _, l := range d.prose {
			inTable = strings.HasPrefix(l.text, "|") && (inTable || strings.HasPrefix(l.text, "| key |"))
			for i, cell := range strings.Split(l.text, "|") {
				for _, m := range codeSpan.FindAllStringSubmatch(cell, -1) {
					name, _, _ := strings.Cut(m[1], ":")
					if inTable && i == 1 && !last[name] || keyPath.MatchString(name) && !keys[name] && !notKeys[name] {
						t.Errorf("%s:%d: %s is no key of the configuration", d.path, l.number, name)
					}
				}
			}
		}
		for _, b := range d.blocks {
			if b.language != "yaml" {
				continue
			}
			if err := checkYAML(b); err != nil {
				t.Errorf("%s:%d: %v", d.path, b.lines[0].number, err)
			}
		}
	}
}

// TestKeysAreDocumented: each key of the configuration is in a document, in backquotes or in YAML.
func TestKeysAreDocumented(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, d := range documents(t) {
		for _, l := range d.code() {
			text.WriteString(l.text + "\n")
		}
		for _, b := range d.blocks {
			if b.language == "yaml" {
				text.WriteString(b.text())
			}
		}
	}
	for key := range spotter.ConfigKeys() {
		name := key[strings.LastIndex(key, ".")+1:]
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(text.String()) {
			t.Errorf("no document tells of %s", key)
		}
	}
}

// checkYAML holds a block against what it is an example of: instruments, a line each of alternatives for a media, or a configuration.
func checkYAML(b block) error {
	text := b.text()
	switch {
	case strings.HasPrefix(text, "instruments:"):
		_, err := instrument.ParseFile([]byte(text))
		return err
	case strings.HasPrefix(text, " "):
		for _, l := range b.lines {
			if err := spotter.CheckConfigText(strings.TrimSpace(l.text), true); err != nil {
				return err
			}
		}
		return nil
	}
	return spotter.CheckConfigText(text, false)
}

var (
	metricWord  = regexp.MustCompile(`\bspotter_[a-z0-9_]+`)
	quotedName  = regexp.MustCompile(`"(spotter_[a-z0-9_]+)"`)
	histogramOf = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// notMetrics have a metric's form: metadata of an ONNX file, and what a key begins with.
var notMetrics = map[string]bool{"spotter_vector": true, "spotter_dimensions": true}

// TestDocumentMetrics: each metric that a document names is one of the program's.
func TestDocumentMetrics(t *testing.T) {
	t.Parallel()
	there := metricsOfSource(t)
	for _, d := range documents(t) {
		for _, l := range d.code() {
			for _, name := range metricWord.FindAllString(l.text, -1) {
				family := histogramOf.ReplaceAllString(name, "")
				if !there[name] && !there[family] && !notMetrics[name] && !strings.HasPrefix(name, "spotter_0") {
					t.Errorf("%s:%d: there is no metric %s", d.path, l.number, name)
				}
			}
		}
	}
}

// metricsOfSource returns all names of metrics in the program's source. Not all are in /metrics at once: many come with the first segment,
// sink or viewer.
func metricsOfSource(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, folder := range []string{"cmd", "engage", "httpapi", "store", "vision", "capture", "sync"} {
		err := filepath.WalkDir(filepath.Join(repositoryRoot, folder), func(path string, e fs.DirEntry, err error) error {
			if e != nil && e.Name() == "node_modules" {
				return fs.SkipDir
			}
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range quotedName.FindAllStringSubmatch(string(text), -1) {
				names[m[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

var routeWord = regexp.MustCompile(`^(?:(?:GET|HEAD|POST|PUT|DELETE)(?:\|[A-Z]+)* )?(/(?:v1|admin/v1|metrics|healthz|readyz|debug|openapi\.json|client|assets|licences\.md)[^ ?]*)`)

// TestDocumentRoutes: each address that a document names is a route, or the begin of one.
func TestDocumentRoutes(t *testing.T) {
	t.Parallel()
	routes := routeTemplates(t)
	for _, d := range documents(t) {
		for _, l := range d.code() {
			m := routeWord.FindStringSubmatch(l.text)
			if m == nil {
				continue
			}
			for _, path := range alternatives(m[1]) {
				if matchRoute(routes, path, true) == "" {
					t.Errorf("%s:%d: there is no route %s", d.path, l.number, path)
				}
			}
		}
	}
}

// alternatives are what a path means whose last part is a|b.
func alternatives(path string) (all []string) {
	at := strings.LastIndex(path, "/") + 1
	for one := range strings.SplitSeq(path[at:], "|") {
		all = append(all, path[:at]+one)
	}
	return all
}
