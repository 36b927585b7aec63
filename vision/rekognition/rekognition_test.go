package rekognition_test

import (
	"context"
	"fmt"
	"image"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/fakeaws"
	"spotter/timeline"
	"spotter/vision"
	"spotter/vision/recognizertest"
	"spotter/vision/rekognition"
)

const secret = "very+secret/key"

// wallet is a rekognition.Purse that pays until it is told not to.
type wallet struct {
	mu        sync.Mutex
	empty     bool // pays for no picture
	once      bool // pays for no repeat
	spent     []string
	repeats   []string
	throttled []string
}

var errEmpty = fmt.Errorf("wallet is empty: %w", vision.ErrThrottled)

func (w *wallet) Spend(apis ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.empty {
		return errEmpty
	}
	w.spent = append(w.spent, apis...)
	return nil
}

func (w *wallet) Again(api string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.once {
		return errEmpty
	}
	w.repeats = append(w.repeats, api)
	return nil
}

func (w *wallet) Throttled(api string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.throttled = append(w.throttled, api)
}

// start returns a recogniser that asks the fake over real HTTP, with nothing of this machine's AWS configuration.
func start(t *testing.T, fake http.Handler, c rekognition.Config) *rekognition.Recognizer {
	t.Helper()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	isolate(t)
	t.Setenv("AWS_ENDPOINT_URL_REKOGNITION", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	r, err := rekognition.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func isolate(t *testing.T) {
	t.Helper()
	none := t.TempDir() + "/none"
	for _, name := range []string{
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_REKOGNITION",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE",
		"AWS_NEW_RETRIES_2026",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func standard() rekognition.Config {
	return rekognition.Config{Region: "us-east-1", MaxLabels: 5, MinConfidence: 90, Purse: new(wallet)}
}

func picture() vision.Picture { return recognizertest.Picture(image.Rect(0, 0, 320, 180)) }

func TestSuite(t *testing.T) {
	recognizertest.Run(t, func(t *testing.T) vision.Recognizer {
		return start(t, new(fakeaws.Rekognition), standard())
	}, picture())
}

func TestAnswer(t *testing.T) {
	fake := &fakeaws.Rekognition{See: func([]byte) fakeaws.Scene {
		return fakeaws.Scene{
			Celebrities: []fakeaws.Celebrity{
				{Name: "Ann", ID: "a", MatchConfidence: 71, Face: fakeaws.Box{Left: 0.75, Top: 0.5, Width: 0.5, Height: 0.25}},
				{Name: "Bob", ID: "b", URLs: []string{"www.imdb.com/name/nm1"}, MatchConfidence: 99.1},
				{Name: "Ann", ID: "a", MatchConfidence: 98, Face: fakeaws.Box{Left: 0.25, Top: -0.5, Width: 0.25, Height: 1}}, // on a screen behind herself
			},
			Unrecognized: []fakeaws.Box{{Left: 0.5, Top: 0.5, Width: 0.125, Height: 0.25}, {Left: 1.5, Top: 0.5, Width: 0.125, Height: 0.25}},
			Labels: []fakeaws.Label{
				{Name: "Couch", Confidence: 93.4, Parents: []string{"Furniture"}, Aliases: []string{"Sofa"}, Instances: []fakeaws.Box{
					{Left: 0.5, Top: 0.5, Width: 1, Height: 0.25}, {Left: 1.5, Top: 0.5, Width: 0.5, Height: 0.5},
				}},
				{Name: "Person", Confidence: 99.9, Instances: []fakeaws.Box{{Left: 0.125, Top: 0.25, Width: 0.25, Height: 0.5}}},
				{Name: "Dog", Confidence: 89.9},
				{Name: "Person", Confidence: 95},
			},
		}
	}}
	r := start(t, fake, standard())
	p := picture()
	got, err := r.Recognize(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	want := vision.Answer{
		Source: timeline.SourceRekognition,
		Celebrities: []timeline.Entity{
			{Name: "Bob", ID: "b", URLs: []string{"www.imdb.com/name/nm1"}, Confidence: 99.1},
			{Name: "Ann", ID: "a", URLs: []string{}, Confidence: 98},
		},
		Objects: []timeline.Entity{
			{Name: "Person", Confidence: 99.9},
			{Name: "Couch", Confidence: 93.4, Parents: []string{"Furniture"}, Aliases: []string{"Sofa"}},
		},
		Faces: []vision.NamedFace{ // Bob has none, and nobody is outside the picture
			{Box: vision.Box{Left: 0.75, Top: 0.5, Width: 0.25, Height: 0.25}, Who: timeline.Entity{Name: "Ann", ID: "a", Confidence: 71}},
			{Box: vision.Box{Left: 0.25, Top: 0, Width: 0.25, Height: 0.5}, Who: timeline.Entity{Name: "Ann", ID: "a", Confidence: 98}},
			{Box: vision.Box{Left: 0.5, Top: 0.5, Width: 0.125, Height: 0.25}},
		},
		Places: []vision.Place{
			{Name: "Person", Confidence: 99.9, Box: vision.Box{Left: 0.125, Top: 0.25, Width: 0.25, Height: 0.5}},
			{Name: "Couch", Confidence: 93.4, Box: vision.Box{Left: 0.5, Top: 0.5, Width: 0.5, Height: 0.25}},
		},
	}
	// An absent list of URLs and an empty one are the same.
	same := cmp.FilterValues(func(a, b []string) bool { return len(a)+len(b) == 0 }, cmp.Ignore())
	if d := cmp.Diff(want, got, same); d != "" {
		t.Errorf("answer (-want +got):\n%s", d)
	}
	calls := fake.Calls()
	if len(calls) != 2 {
		t.Fatalf("%d calls for one picture, want 2", len(calls))
	}
	for _, c := range calls {
		if !cmp.Equal(c.Image, p.JPEG) {
			t.Errorf("%s: got another picture than was sent", c.Operation)
		}
		if c.Operation == fakeaws.DetectLabels && (c.MaxLabels != 5 || c.MinConfidence != 90) {
			t.Errorf("labels asked with %d, %v; want 5, 90", c.MaxLabels, c.MinConfidence)
		}
	}
}

func TestDeadline(t *testing.T) {
	fake := new(fakeaws.Rekognition)
	r := start(t, fake, standard())
	fake.SetFault(fakeaws.DetectLabels, fakeaws.Fault{Latency: time.Hour})
	p := picture()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := r.Recognize(ctx, p)
	checkError(t, err, context.DeadlineExceeded, "deadline exceeded")
}

func TestUnfitPictures(t *testing.T) {
	fake := new(fakeaws.Rekognition)
	r := start(t, fake, standard())
	heavy, noise := picture(), picture()
	heavy.JPEG = append(heavy.JPEG, make([]byte, rekognition.MaxImageBytes)...)
	noise.JPEG = []byte("GIF89a")
	cases := []struct {
		name string
		p    vision.Picture
		says string
	}{
		{"too narrow", recognizertest.Picture(image.Rect(0, 0, 79, 200)), "79x200"},
		{"too low", recognizertest.Picture(image.Rect(0, 0, 200, 79)), "80 a side"},
		{"too many bytes", heavy, "5242880 at most"},
		{"not a JPEG", noise, "not a JPEG"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := r.Recognize(t.Context(), c.p)
			checkError(t, err, vision.ErrPicture, c.says)
		})
	}
	if n := len(fake.Calls()); n != 0 {
		t.Errorf("%d calls were made for unfit pictures", n)
	}
	if _, err := r.Recognize(t.Context(), recognizertest.Picture(image.Rect(0, 0, 80, 80))); err != nil {
		t.Errorf("smallest fit picture: %v", err)
	}
}

func TestConfiguration(t *testing.T) {
	cases := []struct {
		name   string
		config rekognition.Config
		says   string
	}{
		{"no region", rekognition.Config{MaxLabels: 5, MinConfidence: 90, Purse: new(wallet)}, "AWS_REGION"},
		{"no purse", rekognition.Config{Region: "us-east-1", MaxLabels: 5, MinConfidence: 90}, "no purse"},
		{"no labels", rekognition.Config{Region: "us-east-1"}, "max labels 0"},
		{"confidence above 100", rekognition.Config{Region: "us-east-1", MaxLabels: 5, MinConfidence: 101}, "0 to 100"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			isolate(t)
			_, err := rekognition.New(t.Context(), c.config)
			checkError(t, err, vision.ErrPermanent, c.says)
		})
	}
}

func TestNoCredentials(t *testing.T) {
	isolate(t)
	config, paid := standard(), new(wallet)
	config.Purse = paid
	r, err := rekognition.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Recognize(t.Context(), picture())
	checkError(t, err, vision.ErrPermanent, "AWS_ACCESS_KEY_ID")
	if len(paid.spent)+len(paid.repeats) > 0 {
		t.Errorf("paid %v and %v for what cannot be sent", paid.spent, paid.repeats)
	}
}

func TestNoServer(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	isolate(t)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	r, err := rekognition.New(t.Context(), standard())
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Recognize(t.Context(), picture())
	checkError(t, err, nil, "connection refused")
}
