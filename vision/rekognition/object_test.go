package rekognition_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/awsfault"
	"spotter/internal/fakeaws"
	"spotter/vision"
	"spotter/vision/recognizertest"
	"spotter/vision/rekognition"
)

// shelf is a bucket that takes pictures and has Rekognition read them until it is told not to.
type shelf struct {
	mu      sync.Mutex
	fail    error // of Upload
	closed  bool  // to Rekognition
	uploads int
	objects map[string][]byte
	faults  []error
}

func (s *shelf) Upload(_ context.Context, p vision.Picture) (bucket, key string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uploads++
	if s.fail != nil {
		return "", "", s.fail
	}
	if s.objects == nil {
		s.objects = make(map[string][]byte)
	}
	key = fmt.Sprintf("frames/%s/%v.jpg", p.Media, p.At)
	s.objects[key] = p.JPEG
	return "shelf", key, nil
}

func (s *shelf) Fetch(_ context.Context, bucket, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.objects[key]; ok && bucket == "shelf" && !s.closed {
		return b, nil
	}
	return nil, errors.New("no such object")
}

func (s *shelf) OnFault(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, err)
}

// shelved returns a recogniser that has Rekognition read its pictures from the shelf.
func shelved(t *testing.T, s *shelf, purse rekognition.Purse) (*rekognition.Recognizer, *fakeaws.Rekognition) {
	fake, config := &fakeaws.Rekognition{Fetch: s.Fetch}, standard()
	config.Upload, config.OnFault, config.Purse = s.Upload, s.OnFault, purse
	return start(t, fake, config), fake
}

func named() vision.Picture {
	p := picture()
	p.Media, p.At = "cup-final", 41_275
	return p
}

func TestSuiteByObject(t *testing.T) {
	recognizertest.Run(t, func(t *testing.T) vision.Recognizer {
		r, _ := shelved(t, new(shelf), new(wallet))
		return r
	}, picture())
}

func TestObject(t *testing.T) {
	denied := awsfault.New(awsfault.Denied, "put object", "allow s3:PutObject")
	cases := []struct {
		name    string
		shelf   shelf
		heavy   int      // bytes of the picture beyond what it has
		keys    []string // of the calls, "" for bytes
		repeats int
		is      error  // of the answer
		says    string // "" for an answer
		fault   error  // class of what OnFault hears
		hears   string // "" for nothing
	}{
		{name: "object", keys: []string{"frames/cup-final/41.275.jpg", "frames/cup-final/41.275.jpg"}},
		{name: "too large to be sent", heavy: rekognition.MaxImageBytes, keys: []string{"frames/cup-final/41.275.jpg", "frames/cup-final/41.275.jpg"}},
		{name: "bucket away", shelf: shelf{fail: errors.New("no route")}, keys: []string{"", ""}, hears: "no route"},
		{name: "bucket denied", shelf: shelf{fail: denied}, keys: []string{"", ""}, hears: "allow s3:PutObject", fault: vision.ErrPermanent},
		{
			name: "bucket not readable", shelf: shelf{closed: true}, repeats: 2,
			keys:  []string{"", "", "frames/cup-final/41.275.jpg", "frames/cup-final/41.275.jpg"},
			hears: "allow s3:GetObject", fault: vision.ErrPermanent,
		},
		{name: "too large, bucket away", heavy: rekognition.MaxImageBytes, shelf: shelf{fail: errors.New("no route")}, says: "only 5242880 could be sent"},
		{
			name: "too large, bucket not readable", heavy: rekognition.MaxImageBytes, shelf: shelf{closed: true}, is: vision.ErrPicture,
			keys: []string{"frames/cup-final/41.275.jpg", "frames/cup-final/41.275.jpg"}, says: "allow s3:GetObject",
		},
		{name: "too large for any", heavy: rekognition.MaxObjectBytes, is: vision.ErrPicture, says: "15728640 at most"},
	}
	for i := range cases {
		c := &cases[i]
		t.Run(c.name, func(t *testing.T) {
			paid := new(wallet)
			r, fake := shelved(t, &c.shelf, paid)
			p := named()
			p.JPEG = append(p.JPEG, make([]byte, c.heavy)...)
			_, err := r.Recognize(t.Context(), p)
			if c.says != "" {
				checkError(t, err, c.is, c.says)
			} else if err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, call := range fake.Calls() {
				keys = append(keys, call.Key)
				if call.Key == "" && !bytes.Equal(call.Image, p.JPEG) {
					t.Error("another picture was sent")
				}
			}
			slices.Sort(keys)
			if d := cmp.Diff(c.keys, keys); d != "" || len(paid.repeats) != c.repeats {
				t.Errorf("%d repeats were paid, want %d; keys (-want +got):\n%s", len(paid.repeats), c.repeats, d)
			}
			if c.hears == "" {
				if len(c.shelf.faults) > 0 {
					t.Errorf("faults %v", c.shelf.faults)
				}
				return
			}
			if len(c.shelf.faults) != 1 {
				t.Fatalf("%d faults %v, want 1", len(c.shelf.faults), c.shelf.faults)
			}
			checkError(t, c.shelf.faults[0], c.fault, c.hears)
		})
	}
}

// TestObjectRests wants S3 left alone for a while after a failure, by all views of the recogniser.
func TestObjectRests(t *testing.T) {
	for name, c := range map[string]struct {
		shelf *shelf
		rest  time.Duration
	}{
		"away":         {&shelf{fail: errors.New("no route")}, 10 * time.Second},
		"not readable": {&shelf{closed: true}, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			r, fake := shelved(t, c.shelf, new(wallet))
			now := time.Now()
			r.SetClock(func() time.Time { return now })
			ask := func(uploads int) {
				t.Helper()
				if _, err := r.With(new(wallet)).Recognize(t.Context(), named()); err != nil {
					t.Fatal(err)
				}
				if c.shelf.uploads != uploads {
					t.Errorf("%d uploads, want %d", c.shelf.uploads, uploads)
				}
			}
			ask(1)
			now = now.Add(c.rest - time.Second)
			ask(1)
			now = now.Add(2 * time.Second)
			c.shelf.fail, c.shelf.closed = nil, false
			ask(2)
			if calls := fake.Calls(); calls[len(calls)-1].Key == "" {
				t.Error("the bytes are still sent")
			}
			if got := len(c.shelf.faults); got != 1 {
				t.Errorf("%d faults %v", got, c.shelf.faults)
			}
		})
	}
}

// TestObjectUnpaid has no money for the bytes of a picture that Rekognition cannot read.
func TestObjectUnpaid(t *testing.T) {
	r, fake := shelved(t, &shelf{closed: true}, &wallet{once: true})
	_, err := r.Recognize(t.Context(), named())
	checkError(t, err, vision.ErrThrottled, "wallet is empty")
	if n := len(fake.Calls()); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

// TestUploadHangs wants the bytes sent in time.
func TestUploadHangs(t *testing.T) {
	heard := make(chan error, 1)
	config, fake := standard(), new(fakeaws.Rekognition)
	config.Upload = func(ctx context.Context, _ vision.Picture) (string, string, error) {
		<-ctx.Done()
		return "", "", ctx.Err()
	}
	config.OnFault = func(err error) { heard <- err }
	r := start(t, fake, config)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := r.Recognize(ctx, named()); err != nil {
		t.Fatal(err)
	}
	checkError(t, <-heard, context.DeadlineExceeded, "its bytes are sent instead")

	ended, end := context.WithCancel(t.Context())
	end()
	_, err := r.Recognize(ended, named())
	checkError(t, err, context.Canceled, "canceled")
}
