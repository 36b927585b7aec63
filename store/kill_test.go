package store_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/store"
	"spotter/timeline"
)

// Environment of the process that TestKill starts from this test binary.
const (
	envChildFile = "SPOTTER_TEST_STORE_FILE"
	envChildFrom = "SPOTTER_TEST_STORE_FROM"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(envChildFile); path != "" {
		fmt.Fprintln(os.Stderr, recordUntilKilled(path, os.Getenv(envChildFrom)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

var killedSinks = []store.Sink{{Name: "dynamodb"}, {Name: "sns", Kind: store.Segments}, {Name: "s3", Kind: store.Frames}}

// recordUntilKilled plays one scene after the other and says so on standard output once each is acknowledged.
func recordUntilKilled(path, from string) error {
	n, err := strconv.Atoi(from)
	if err != nil {
		return err
	}
	s, err := store.Open(path, store.Options{Sinks: killedSinks, SpoolBytes: 1 << 30})
	if err != nil {
		return err
	}
	for p := timeline.Position(n); ; p++ {
		if err := playScene(s, p); err != nil {
			return err
		}
		fmt.Println(int(p))
	}
}

// playScene records scene p, whose frame the cloud missed. Of every third nothing else is known; every other is told by the
// cloud afterwards. To play it again changes nothing but what is missing.
func playScene(s *store.Store, p timeline.Position) error {
	o := observe(p*1000, p*1000+1000, 1)
	b := store.Batch{Media: media}
	b.Breaks = []timeline.Break{{ID: "7", Span: timeline.Span{From: o.From, Until: o.From}, Open: true}}
	if p > 0 {
		b.Breaks = append(b.Breaks, overBreak(p-1))
	}
	if p%3 == 0 {
		b.Missed = []timeline.Span{o.Span}
	} else {
		b.Observations, b.Analyzed = []*timeline.Observation{o}, []timeline.Span{o.Span}
	}
	b.Segments = []store.Segment{{Media: media, URL: fmt.Sprintf("https://origin.example/%d.ts", p), From: o.From}}
	b.Frames = []store.Frame{{Media: media, At: o.From, JPEG: missed(0, int(p), int(p)%50+1).JPEG}}
	if _, err := s.Spool(missed(o.From, 0, int(p)%50+1)); err != nil {
		return err
	}
	if err := s.Record(b); err != nil || p%2 == 0 {
		return err
	}
	_, err := s.Unspool(media, o.From, func(o *timeline.Observation) bool {
		if o.Source == timeline.SourceRekognition {
			return false
		}
		o.Source = timeline.SourceRekognition
		return true
	})
	return err
}

// overBreak is the break of one second that observation p tells of.
func overBreak(p timeline.Position) timeline.Break {
	return timeline.Break{ID: "7", Span: timeline.Span{From: p * 1000, Until: p*1000 + 500}}
}

// killAfter runs a child until it has acknowledged some more observations, kills it, and returns the next one that
// it has not acknowledged.
func killAfter(t *testing.T, path string, next, acknowledged int) int {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), envChildFile+"="+path, envChildFrom+"="+strconv.Itoa(next))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	stop := next + acknowledged
	// What the child prints before it dies counts as acknowledged too, so the pipe is read to its end.
	for lines := bufio.NewScanner(out); lines.Scan(); next++ {
		if got := lines.Text(); got != strconv.Itoa(next) {
			t.Errorf("the child acknowledged %q, want %d", got, next)
		}
		if next == stop {
			if err := child.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v", child.ProcessState)
	}
	return next
}

func TestKill(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	path := filepath.Join(t.TempDir(), "spotter.db")
	next := 0
	for round := range 20 {
		next = killAfter(t, path, next, rng.IntN(20))
		s := openSinks(t, path, 0, killedSinks...)
		observations := checkScenes(t, s, next)
		tl, _ := s.Timeline(media)
		breaks := tl.Breaks(everything)
		for i, x := range breaks {
			if i < len(breaks)-1 && x != overBreak(timeline.Position(i)) || i == len(breaks)-1 && !x.Open {
				t.Fatalf("round %d: break %d is %+v", round, i, x)
			}
		}
		if len(breaks) != next && len(breaks) != next+1 {
			t.Errorf("round %d: %d breaks after %d scenes", round, len(breaks), next)
		}
		keys, _ := pendingKeys(t, s, "dynamodb", next+1)
		if n := s.Backlog("dynamodb").Entries; n != observations || len(keys) != observations {
			t.Errorf("round %d: %d in the backlog, %d pending; want %d", round, n, len(keys), observations)
		}
		checkSent(t, s, next)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		check(t, path)
	}
	t.Logf("%d scenes over 20 kills", next)
}

// checkScenes fails the test unless scenes 0 until next are as playScene leaves them and scene next is as it is after some
// of its steps. It returns how many observations there are.
func checkScenes(t *testing.T, s *store.Store, next int) (observations int) {
	t.Helper()
	frames := make(map[timeline.Position]store.SpooledFrame)
	size := int64(0)
	for _, f := range newest(t, s) {
		frames[f.From] = f
		size += int64(len(f.JPEG))
	}
	if n, b := s.SpooledFrames(); n != len(frames) || b != size {
		t.Errorf("%d frames with %d bytes are counted, %d with %d are there", n, b, len(frames), size)
	}
	tl, _ := s.Timeline(media)
	for p := range timeline.Position(next + 1) {
		o, span := tl.At(p*1000), timeline.Span{From: p * 1000, Until: p*1000 + 1000}
		f, spooled := frames[p*1000]
		delete(frames, p*1000)
		if o != nil {
			observations++
		}
		if o != nil && (o.Span != span || !tl.Complete(span)) || o == nil && tl.Complete(span) {
			t.Errorf("scene %d is %+v, analysed %v", p, o, tl.Analyzed())
		}
		told := o != nil && o.Source == timeline.SourceRekognition
		if told && spooled {
			t.Errorf("scene %d is told and its frame still in the spool", p)
		}
		if int(p) == next {
			continue // the rest of it may be missing
		}
		if want := p%2 == 1; told != want || spooled == want || (o == nil) != (p%6 == 0) {
			t.Errorf("scene %d is %+v, its frame spooled %v", p, o, spooled)
		}
		if p%6 == 0 && (f.Until != span.Until || len(f.JPEG) != int(p)%50+1) {
			t.Errorf("the frame of scene %d ends at %v and has %d bytes", p, f.Until, len(f.JPEG))
		}
	}
	if len(frames) > 0 {
		t.Errorf("frames of no scene: %v", frames)
	}
	return observations
}

// checkSent fails the test unless the segment and the frame of each scene until next are queued, and only those of scene
// next may be.
func checkSent(t *testing.T, s *store.Store, next int) {
	t.Helper()
	segments, frames := paged(t, s, "sns"), paged(t, s, "s3")
	if n := len(segments); n != len(frames) || n != next && n != next+1 {
		t.Fatalf("%d segments and %d frames of %d scenes wait", n, len(frames), next)
	}
	for i := range segments {
		x, f := segments[i].Segment, frames[i].Frame
		if p := timeline.Position(i); x.From != p*1000 || x.URL != fmt.Sprintf("https://origin.example/%d.ts", p) ||
			f.At != p*1000 || len(f.JPEG) != i%50+1 || f.JPEG[0] != byte(i) {
			t.Errorf("entries %d are %+v and %+v", i, x, f)
		}
	}
	for _, sink := range killedSinks {
		if diff := cmp.Diff(scan(t, s, sink), s.Backlog(sink.Name)); diff != "" {
			t.Errorf("%s: backlog (-what the file has +got):\n%s", sink.Name, diff)
		}
	}
}
