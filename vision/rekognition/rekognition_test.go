package rekognition_test

import (
	"context"
	"errors"
	"image"
	"net/http/httptest"
	"strings"
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

// start returns a recogniser that asks the fake over real HTTP, with nothing of this machine's AWS configuration.
func start(t *testing.T, fake *fakeaws.Rekognition, c rekognition.Config) *rekognition.Recognizer {
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
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func standard() rekognition.Config {
	return rekognition.Config{Region: "us-east-1", MaxLabels: 5, MinConfidence: 90}
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
				{Name: "Ann", ID: "a", MatchConfidence: 71},
				{Name: "Bob", ID: "b", URLs: []string{"www.imdb.com/name/nm1"}, MatchConfidence: 99.1},
				{Name: "Ann", ID: "a", MatchConfidence: 98}, // on a screen behind herself
			},
			Labels: []fakeaws.Label{
				{Name: "Couch", Confidence: 93.4},
				{Name: "Person", Confidence: 99.9},
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
		Objects: []timeline.Entity{{Name: "Person", Confidence: 99.9}, {Name: "Couch", Confidence: 93.4}},
	}
	// An absent list of URLs and an empty one are the same.
	same := cmp.FilterValues(func(a, b []string) bool { return len(a)+len(b) == 0 }, cmp.Ignore())
	if d := cmp.Diff(want, got, same); d != "" {
		t.Errorf("answer (-want +got):\n%s", d)
	}
	calls := fake.Calls()
	if len(calls) != rekognition.CallsPerPicture {
		t.Fatalf("%d calls for one picture, want %d", len(calls), rekognition.CallsPerPicture)
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

func TestFaults(t *testing.T) {
	coded := func(status int, code string) fakeaws.Fault {
		return fakeaws.Fault{Status: status, Code: code, Message: "repeats x-amz-security-token:" + secret}
	}
	cases := []struct {
		name  string
		fault fakeaws.Fault
		is    error  // nil for transient
		says  string // what a person needs to know
	}{
		{"throttled", fakeaws.Throttled, vision.ErrThrottled, "calls_per_second"},
		{"provisioned throughput", fakeaws.Overrun, vision.ErrThrottled, "quota"},
		{"limit exceeded", coded(400, "LimitExceededException"), vision.ErrThrottled, ""},
		{"denied", fakeaws.Denied, vision.ErrPermanent, "rekognition:DetectLabels"},
		{"unknown key", coded(400, "UnrecognizedClientException"), vision.ErrPermanent, "us-east-1"},
		{"bad signature", coded(403, "InvalidSignatureException"), vision.ErrPermanent, "clock"},
		{"expired", coded(400, "ExpiredTokenException"), vision.ErrPermanent, "renew"},
		{"bad format", coded(400, "InvalidImageFormatException"), vision.ErrPicture, ""},
		{"too large", coded(400, "ImageTooLargeException"), vision.ErrPicture, ""},
		{"bad parameter", coded(400, "InvalidParameterException"), vision.ErrPicture, ""},
		{"server error", fakeaws.Broken, nil, "status 500"},
		{"unavailable", coded(503, "ServiceUnavailable"), nil, "ServiceUnavailable"},
		{"connection reset", fakeaws.Disconnected, nil, "EOF"},
	}
	for _, operation := range []string{fakeaws.RecognizeCelebrities, fakeaws.DetectLabels} {
		for _, c := range cases {
			t.Run(operation+" "+c.name, func(t *testing.T) {
				fake := new(fakeaws.Rekognition)
				r := start(t, fake, standard())
				fake.SetFault(operation, c.fault)
				_, err := r.Recognize(t.Context(), picture())
				checkError(t, err, c.is, c.says)
				if n := fake.Count(operation); n != 1 {
					t.Errorf("%d calls of %s, want no repeat", n, operation)
				}
				fake.SetFault(operation, fakeaws.Fault{})
				if _, err := r.Recognize(t.Context(), picture()); err != nil {
					t.Errorf("after the fault: %v", err)
				}
			})
		}
	}
}

func checkError(t *testing.T, err, is error, says string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("error %q does not wrap %q", err, is)
	}
	for _, class := range []error{vision.ErrPermanent, vision.ErrThrottled, vision.ErrPicture} {
		if errors.Is(err, class) && (is == nil || !errors.Is(is, class)) {
			t.Errorf("error %q wraps %q", err, class)
		}
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("error %q does not say %q", err, says)
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("error %q tells the secret", err)
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
		{"no region", rekognition.Config{MaxLabels: 5, MinConfidence: 90}, "AWS_REGION"},
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
	r, err := rekognition.New(t.Context(), standard())
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Recognize(t.Context(), picture())
	checkError(t, err, vision.ErrPermanent, "AWS_ACCESS_KEY_ID")
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
