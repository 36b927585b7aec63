package store_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"spotter/store"
	"spotter/timeline"
)

var update = flag.Bool("update", false, "write the golden files of the current format")

const (
	goldenFile = "testdata/format2.db.gz" // a store as Spotter wrote it when format 2 was made
	goldenDump = "testdata/format2.txt"   // its keys and values
)

// fill records what the golden file holds.
func fill(t *testing.T, s *store.Store) {
	record(t, s, store.Batch{
		Media: media, Observations: []*timeline.Observation{observe(-1500, 2000, 1), observe(2000, 5250, 1)},
		Analyzed: spans(-1500, 5250, 9000, 9500), Clock: []byte(`{"zero":1}`),
	})
	_, err := s.Revise(media, 2000, func(o *timeline.Observation) bool {
		o.Source, o.At = timeline.SourceRekognition, o.At.Add(time.Second)
		o.Celebrities = []timeline.Entity{{Name: "Zoë Example", ID: "4xYz", URLs: []string{"www.example.com/zoe"}, Confidence: 99.125}}
		o.Objects = nil
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	_, seqs := pendingKeys(t, s, "sns", 10)
	if err := s.Done("sns", seqs...); err != nil {
		t.Fatal(err)
	}
}

// dump lists every bucket, key and value of a bbolt file.
func dump(t *testing.T, path string) string {
	t.Helper()
	var out strings.Builder
	var walk func(b *bolt.Bucket, indent string) error
	show := func(k []byte) string {
		if len(k) > 0 && (k[0] < ' ' || k[0] > '~') {
			return fmt.Sprintf("%x", k)
		}
		return fmt.Sprintf("%q", k)
	}
	walk = func(b *bolt.Bucket, indent string) error {
		return b.ForEach(func(k, v []byte) error {
			if sub := b.Bucket(k); sub != nil {
				fmt.Fprintf(&out, "%s%s (sequence %d)\n", indent, show(k), sub.Sequence())
				return walk(sub, indent+"  ")
			}
			if strings.ContainsFunc(string(v), func(r rune) bool { return r < ' ' || r == utf8.RuneError }) {
				_, err := fmt.Fprintf(&out, "%s%s: %x\n", indent, show(k), v)
				return err
			}
			_, err := fmt.Fprintf(&out, "%s%s: %s\n", indent, show(k), v)
			return err
		})
	}
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			fmt.Fprintf(&out, "%q\n", name)
			return walk(b, "  ")
		})
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func golden(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFormatWritten holds the writer to docs/formats.md: a change of this dump is a new format.
func TestFormatWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock stands at one moment, so queueing times are always the same
		path := filepath.Join(t.TempDir(), "spotter.db")
		s := open(t, path, "dynamodb", "sns")
		fill(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		got := dump(t, path)
		if *update {
			writeGolden(t, path, got)
		}
		if diff := cmp.Diff(string(golden(t, goldenDump)), got); diff != "" {
			t.Errorf("dump (-want +got):\n%s", diff)
		}
	})
}

func writeGolden(t *testing.T, path, dump string) {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(golden(t, path))
	err = errors.Join(err, z.Close(), os.MkdirAll("testdata", 0o755), os.WriteFile(goldenDump, []byte(dump), 0o644),
		os.WriteFile(goldenFile, packed.Bytes(), 0o644))
	if err != nil {
		t.Fatal(err)
	}
}

// unpacked returns a copy of a packed store.
func unpacked(t *testing.T, name string) (path string) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(golden(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "spotter.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFormatRead reads the bytes of old files, of every format there was.
func TestFormatRead(t *testing.T) {
	for _, name := range []string{"testdata/format1.db.gz", goldenFile} {
		t.Run(name, func(t *testing.T) {
			path := unpacked(t, name)
			testFormatRead(t, path)
			if diff := cmp.Diff(string(golden(t, goldenDump)), dump(t, path)); diff != "" {
				t.Errorf("dump of the newest format (-want +got):\n%s", diff)
			}
		})
	}
}

func testFormatRead(t *testing.T, path string) {
	s := open(t, path, "dynamodb", "sns")
	want := open(t, filepath.Join(t.TempDir(), "spotter.db"), "dynamodb", "sns")
	fill(t, want)
	tl, _ := s.Timeline(media)
	wantTL, _ := want.Timeline(media)
	if diff := cmp.Diff(wantTL.Within(everything), tl.Within(everything)); diff != "" {
		t.Errorf("observations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(spans(-1500, 5250, 9000, 9500), tl.Analyzed()); diff != "" {
		t.Errorf("analysed (-want +got):\n%s", diff)
	}
	if got := string(s.Clock(media)); got != `{"zero":1}` {
		t.Errorf("clock %q", got)
	}
	if keys, seqs := pendingKeys(t, s, "dynamodb", 10); !cmp.Equal(keys, []timeline.Position{-1500, 2000}) || !cmp.Equal(seqs, []uint64{1, 3}) {
		t.Errorf("pending %v with sequences %v", keys, seqs)
	}
	if n := s.Backlog("sns").Entries; n != 0 {
		t.Errorf("backlog of sns is %d, want 0", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
