package vision_test

import (
	"testing"

	"spotter/vision"
)

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
