package vision_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
	"spotter/vision"
)

func TestObject(t *testing.T) {
	tests := []struct {
		label            string
		parents, aliases []string
	}{
		{"Couch", []string{"Furniture"}, nil},
		{"Car", []string{"Transportation", "Vehicle"}, []string{"Automobile"}},
		{"Mobile Phone", []string{"Electronics", "Phone"}, []string{"Cell Phone"}},
		{"Person", nil, []string{"Human"}},
		{"Teddy Bear", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.label, func(t *testing.T) {
			want := timeline.Entity{Name: tt.label, Confidence: 71.5, Parents: tt.parents, Aliases: tt.aliases}
			if d := cmp.Diff(want, vision.Object(tt.label, 71.5)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if again := vision.Label(tt.label); again != tt.label {
				t.Errorf("Label(%q) = %q: parents are known for a label that is none", tt.label, again)
			}
		})
	}
}

func TestLabel(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"COCO", "person", "Person"},
		{"COCO of two words", "traffic light", "Traffic Light"},
		{"COCO with another name", "cell phone", "Mobile Phone"},
		{"COCO couch", "couch", "Couch"},
		{"VOC sofa", "sofa", "Couch"},
		{"COCO tv", "tv", "Tv"},
		{"VOC tvmonitor", "tvmonitor", "Tv"},
		{"VOC pottedplant", "pottedplant", "Potted Plant"},
		{"COCO potted plant", "potted plant", "Potted Plant"},
		{"VOC diningtable", "diningtable", "Dining Table"},
		{"VOC aeroplane", "aeroplane", "Airplane"},
		{"VOC motorbike", "motorbike", "Motorcycle"},
		{"cascade", "frontal_face", "Face"},
		{"pedestrian detector", "pedestrian", "Person"},
		{"underscores and capitals", "Wine_Glass", "Wine Glass"},
		{"unknown", "ice-cream  van", "Ice Cream Van"},
		{"not ASCII", "église", "Église"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := vision.Label(tt.in)
			if got != tt.want {
				t.Errorf("Label(%q) = %q, want %q", tt.in, got, tt.want)
			}
			if again := vision.Label(got); again != got {
				t.Errorf("Label(%q) = %q: a label must be its own label", got, again)
			}
		})
	}
}
