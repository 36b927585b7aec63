package local_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spotter/vision"
	"spotter/vision/local"

	"spotter/internal/testmedia"
)

// labels are the names under which the 80 classes of COCO are shown, in the order of the networks' outputs.
var labels = []string{
	"Person", "Bicycle", "Car", "Motorcycle", "Airplane", "Bus", "Train", "Truck", "Boat", "Traffic Light",
	"Fire Hydrant", "Stopsign", "Parking Meter", "Bench", "Bird", "Cat", "Dog", "Horse", "Sheep", "Cow",
	"Elephant", "Bear", "Zebra", "Giraffe", "Backpack", "Umbrella", "Handbag", "Tie", "Suitcase", "Frisbee",
	"Skis", "Snowboard", "Ball", "Kite", "Baseball Bat", "Baseball Glove", "Skateboard", "Surfboard",
	"Tennis Racket", "Bottle", "Wine Glass", "Cup", "Fork", "Knife", "Spoon", "Bowl", "Banana", "Apple",
	"Sandwich", "Orange", "Broccoli", "Carrot", "Hot Dog", "Pizza", "Donut", "Cake", "Chair", "Couch",
	"Potted Plant", "Bed", "Dining Table", "Toilet", "Tv", "Laptop", "Mouse", "Remote Control", "Computer Keyboard",
	"Mobile Phone", "Microwave", "Oven", "Toaster", "Sink", "Refrigerator", "Book", "Clock", "Vase", "Scissors",
	"Teddy Bear", "Blow Dryer", "Toothbrush",
}

func TestLabels(t *testing.T) {
	seen := map[string]bool{}
	for class, want := range labels {
		output := make([]float32, anchors64*85)
		output[4], output[5+class] = 1, 1
		got, err := local.NewYOLOX(&fake{outputs: [][]float32{output}}, 64, 50).Detect(t.Context(), noise(8, 8))
		if err != nil || len(got) != 1 || got[0].Label != want {
			t.Errorf("class %d = %v, %v, want %s", class, got, err, want)
		}
		if seen[want] {
			t.Errorf("%s is the label of two classes", want)
		}
		seen[want] = true
	}
	if len(labels) != 80 {
		t.Errorf("%d labels", len(labels))
	}
}

// TestLabelsOfKit compares the order with the list that is published with Darknet's models, in VOC's spelling.
func TestLabelsOfKit(t *testing.T) {
	list, err := os.ReadFile(testmedia.Kit(t, "models", "coco.names"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for name := range strings.Lines(string(list)) {
		got = append(got, vision.Label(strings.TrimSpace(name)))
	}
	if diff := cmp.Diff(labels, got); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}
