package rekognition_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/internal/fakeaws"
	"spotter/vision"
)

// TestFaults has one of the two calls fail: the other is answered and paid, and the error says so.
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
		{"truncated", fakeaws.Fault{Truncated: true}, nil, "EOF"},
	}
	operations := map[string]vision.Want{fakeaws.RecognizeCelebrities: vision.WantCelebrities, fakeaws.DetectLabels: vision.WantObjects}
	for operation, part := range operations {
		for _, c := range cases {
			t.Run(operation+" "+c.name, func(t *testing.T) {
				fake, config := new(fakeaws.Rekognition), standard()
				config.Purse = &wallet{once: true}
				r := start(t, fake, config)
				whole, err := r.Recognize(t.Context(), picture())
				if err != nil {
					t.Fatal(err)
				}
				fake.SetFault(operation, c.fault)
				_, err = r.Recognize(t.Context(), picture())
				checkError(t, err, c.is, c.says)
				checkPartial(t, err, part, whole)
				if n := fake.Count(operation); n != 2 {
					t.Errorf("%d calls of %s, want no repeat that is not paid", n, operation)
				}
				fake.SetFault(operation, fakeaws.Fault{})
				if _, err := r.Recognize(t.Context(), picture()); err != nil {
					t.Errorf("after the fault: %v", err)
				}
			})
		}
	}
}

// checkPartial wants an error that carries all of the whole answer but the part.
func checkPartial(t *testing.T, err error, part vision.Want, whole vision.Answer) {
	t.Helper()
	if part.Has(vision.WantCelebrities) {
		whole.Celebrities, whole.Faces = nil, nil
	} else {
		whole.Objects = nil
	}
	var partial *vision.PartialError
	if !errors.As(err, &partial) {
		t.Fatalf("error %v is no *vision.PartialError", err)
	}
	if d := cmp.Diff(whole, partial.Answer); d != "" || partial.Missing != part {
		t.Errorf("missing %b, want %b; the rest of the answer (-want +got):\n%s", partial.Missing, part, d)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} { // whatever a log makes of it
		if strings.Contains(fmt.Sprintf(verb, err), secret) {
			t.Errorf("%s of the error tells the secret", verb)
		}
	}
}

// TestBothFail wants an error as permanent as the more hopeful of the two, which tells of both.
func TestBothFail(t *testing.T) {
	cases := []struct {
		name                string
		celebrities, labels fakeaws.Fault
		is                  error
		says                []string
	}{
		{"denied and broken", fakeaws.Denied, fakeaws.Broken, nil, []string{"AccessDenied", "status 500"}},
		{"broken and denied", fakeaws.Broken, fakeaws.Denied, nil, []string{"AccessDenied", "status 500"}},
		{"denied and throttled", fakeaws.Denied, fakeaws.Throttled, vision.ErrThrottled, []string{"AccessDenied", "Throttling"}},
		{"denied", fakeaws.Denied, fakeaws.Denied, vision.ErrPermanent, []string{"recognize celebrities", "detect labels"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fake, config := new(fakeaws.Rekognition), standard()
			config.Purse = &wallet{once: true}
			r := start(t, fake, config)
			fake.SetFault(fakeaws.RecognizeCelebrities, c.celebrities)
			fake.SetFault(fakeaws.DetectLabels, c.labels)
			_, err := r.Recognize(t.Context(), picture())
			for _, says := range c.says {
				checkError(t, err, c.is, says)
			}
			if partial := new(vision.PartialError); errors.As(err, &partial) {
				t.Errorf("error %v is partial, though nothing was answered", err)
			}
		})
	}
}

// TestWant wants the calls that are asked for, each paid, and no other.
func TestWant(t *testing.T) {
	cases := []struct {
		name string
		want vision.Want
		apis []string
	}{
		{"all", 0, []string{"RecognizeCelebrities", "DetectLabels"}},
		{"both", vision.WantAll, []string{"RecognizeCelebrities", "DetectLabels"}},
		{"celebrities", vision.WantCelebrities, []string{"RecognizeCelebrities"}},
		{"objects", vision.WantObjects, []string{"DetectLabels"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fake, config, paid := new(fakeaws.Rekognition), standard(), new(wallet)
			r := start(t, fake, config).With(paid)
			p := picture()
			p.Want = c.want
			a, err := r.Recognize(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if (a.Celebrities != nil) != p.Wanted().Has(vision.WantCelebrities) || (a.Objects != nil) != p.Wanted().Has(vision.WantObjects) {
				t.Errorf("answer %+v", a)
			}
			if d := cmp.Diff(c.apis, paid.spent); d != "" || len(fake.Calls()) != len(c.apis) || fake.Billed() != len(c.apis) {
				t.Errorf("%d calls, %d on the bill; paid (-want +got):\n%s", len(fake.Calls()), fake.Billed(), d)
			}
			paid.empty = true
			_, err = r.Recognize(t.Context(), p)
			checkError(t, err, vision.ErrThrottled, "wallet is empty")
			if len(fake.Calls()) != len(c.apis) {
				t.Error("a call was made that was not paid")
			}
		})
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
