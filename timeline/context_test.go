package timeline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
)

func seen(name, id string, confidence float64, s timeline.Span, source string) timeline.Seen {
	return timeline.Seen{Entity: timeline.Entity{Name: name, ID: id, Confidence: confidence}, Span: s, Source: source}
}

func TestContext(t *testing.T) {
	entity := func(name, id string, confidence float64) timeline.Entity {
		return timeline.Entity{Name: name, ID: id, Confidence: confidence}
	}
	tl := timeline.New([]*timeline.Observation{
		{Span: span(-20, 10), Source: "onnx", Celebrities: []timeline.Entity{entity("Ann", "", 80)}, Objects: []timeline.Entity{entity("Couch", "", 60)}},
		{Span: span(10, 20), Source: "rekognition", Celebrities: []timeline.Entity{entity("Ann", "1", 99), entity("Bob", "2", 70)}},
		{Span: span(20, 30), Source: "onnx", Celebrities: []timeline.Entity{entity("Bob", "3", 75)}, Objects: []timeline.Entity{entity("Couch", "", 50)}},
		{Span: span(30, 40), Source: "rekognition", Celebrities: []timeline.Entity{entity("Robert", "2", 90)}},
	}, nil)
	for name, tc := range map[string]struct {
		window               timeline.Span
		celebrities, objects []timeline.Seen
	}{
		"the best answer and the whole stretch": {
			span(-5, 15),
			[]timeline.Seen{seen("Ann", "1", 99, span(-5, 15), "rekognition"), seen("Bob", "2", 70, span(10, 15), "rekognition")},
			[]timeline.Seen{seen("Couch", "", 60, span(-5, 10), "onnx")},
		},
		"one name, two ids": {
			span(15, 25),
			[]timeline.Seen{seen("Ann", "1", 99, span(15, 20), "rekognition"), seen("Bob", "2", 70, span(15, 20), "rekognition"), seen("Bob", "3", 75, span(20, 25), "onnx")},
			[]timeline.Seen{seen("Couch", "", 50, span(20, 25), "onnx")},
		},
		"one id, two names": {
			span(10, 99),
			[]timeline.Seen{seen("Ann", "1", 99, span(10, 20), "rekognition"), seen("Robert", "2", 90, span(10, 40), "rekognition"), seen("Bob", "3", 75, span(20, 30), "onnx")},
			[]timeline.Seen{seen("Couch", "", 50, span(20, 30), "onnx")},
		},
		"the window's end is closed": {span(30, 30), []timeline.Seen{seen("Robert", "2", 90, span(30, 30), "rekognition")}, nil},
		"a scene's end is open":      {span(40, 50), nil, nil},
		"a weaker answer later":      {span(9, 25), []timeline.Seen{seen("Ann", "1", 99, span(9, 20), "rekognition"), seen("Bob", "2", 70, span(10, 20), "rekognition"), seen("Bob", "3", 75, span(20, 25), "onnx")}, []timeline.Seen{seen("Couch", "", 60, span(9, 25), "onnx")}},
	} {
		t.Run(name, func(t *testing.T) {
			// What an earlier look-up left must not show through.
			c := timeline.Context{Celebrities: []timeline.Seen{seen("Old", "9", 1, span(0, 1), "classic")}, Objects: []timeline.Seen{seen("Old", "", 1, span(0, 1), "classic")}}
			tl.Context(&c, tc.window)
			if diff := cmp.Diff(tc.celebrities, append([]timeline.Seen(nil), c.Celebrities...)); diff != "" {
				t.Errorf("celebrities (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.objects, append([]timeline.Seen(nil), c.Objects...)); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}
