package gallery_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/vision/local/gallery"
)

var update = flag.Bool("update", false, "write the golden files")

// TestFormat reads bytes that format 1 was settled with, and holds the writer to them.
func TestFormat(t *testing.T) {
	want := gallery.Person{
		ID: "lin-manuel-miranda", Name: "Lin-Manuel Miranda", URLs: []string{"https://people.example/lin?a=1&b=2"},
		Faces: []gallery.Face{
			{Model: "sface", Version: "0ba9fbfa01b5", Photo: strings.Repeat("0123456789abcdef", 4), Embedding: []float32{1, -0.5, 0.25, 1e-20}},
			{Model: "mobilefacenet", Version: "e0974ec4c84a", Embedding: []float32{0.6, -0.8}},
		},
	}
	golden := filepath.Join("testdata", "format1.json")
	dir := t.TempDir()
	add(t, open(t, dir), want)
	written, err := os.ReadFile(filepath.Join(dir, "lin-manuel-miranda.json"))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		write(t, golden, string(written))
	}
	old, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(old), string(written)); diff != "" {
		t.Errorf("written (-golden +got):\n%s", diff)
	}
	dir = t.TempDir()
	write(t, filepath.Join(dir, "lin-manuel-miranda.json"), string(old))
	if diff := cmp.Diff([]gallery.Person{want}, open(t, dir).List()); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	good, err := os.ReadFile(filepath.Join("testdata", "format1.json"))
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) string {
		text := strings.Replace(string(good), old, new, 1)
		if text == string(good) {
			t.Fatalf("%q is not in the golden file", old)
		}
		return text
	}
	for name, tc := range map[string]struct{ text, says string }{
		"empty":              {"", "unexpected end"},
		"torn":               {string(good[:len(good)/2]), "unexpected end"},
		"a later format":     {change(`"format": 1`, `"format": 2, "new": true`), "format 2, this version reads 1"},
		"another's":          {change(`"id": "lin`, `"id": "len`), `of the id "len-manuel-miranda"`},
		"no id":              {change(`"id": "lin-manuel-miranda"`, `"id": ""`), "no id"},
		"an unknown key":     {change(`"urls"`, `"addresses"`), "unknown field"},
		"not base64":         {change(`"embedding": "`, `"embedding": "!`), "illegal base64"},
		"half a number":      {change(`"embedding": "`, `"embedding": "AAAA`), "whole numbers"},
		"no numbers":         {`{"format":1,"id":"lin-manuel-miranda","name":"Lin","faces":[{"model":"a","version":"b","embedding":""}]}`, "0 numbers"},
		"no faces":           {`{"format":1,"id":"lin-manuel-miranda","name":"Lin","faces":[]}`, "no face"},
		"larger than a file": {strings.Repeat(" ", 17<<20), "larger than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "lin-manuel-miranda.json")
			write(t, path, tc.text)
			write(t, filepath.Join(dir, ".x.json.new-1"), "left by a crash")
			write(t, filepath.Join(dir, "README"), "not ours")
			g := open(t, dir)
			if unused := g.Unused(); len(unused) != 1 || !strings.Contains(unused[0].Error(), path) || !strings.Contains(unused[0].Error(), tc.says) {
				t.Errorf("unused %v, want that of %s that says %q", unused, path, tc.says)
			}
			if list := g.List(); len(list) != 0 {
				t.Errorf("got %v", list)
			}
		})
	}
}
