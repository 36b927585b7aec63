package httpapi_test

import (
	"testing"

	"spotter/httpapi"
	"spotter/timeline"
)

// FuzzPosition holds the short ways to read and write a position to the long ones.
func FuzzPosition(f *testing.F) {
	for _, s := range []string{"0", "7.", ".5", "50.25", "50.123", "50.1234", "999999999", "1000000000", "100000000.001", "-1.5", "", "1.2.3", "007.070", "1e3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := timeline.ParsePosition(s)
		if p, ok := httpapi.PlainPosition([]byte(s)); ok && (err != nil || p != want) {
			t.Errorf("%q is read as %v, want %v, %v", s, p, want, err)
		}
		if got := string(httpapi.AppendPosition(nil, want)); got != want.String() {
			t.Errorf("%q is written as %s, want %s", s, got, want)
		}
	})
}
