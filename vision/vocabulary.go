package vision

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"spotter/timeline"
)

// Label returns the name under which Spotter shows what a local model calls name: the label that Amazon Rekognition
// gives the same thing, so that a target or a look-up need not care who saw it. COCO's and VOC's names and those of
// OpenCV's cascades are known; any other is put in title case. A Rekognition label is its own Label.
func Label(name string) string {
	name = strings.ToLower(strings.Join(strings.FieldsFunc(name, isGap), " "))
	switch name {
	case "pedestrian", "people", "full body", "fullbody", "upper body", "upperbody", "lower body", "lowerbody":
		return "Person"
	case "frontal face", "frontalface", "profile face", "profileface":
		return "Face"
	case "cat face", "catface":
		return "Cat"
	case "bike":
		return "Bicycle"
	case "motorbike":
		return "Motorcycle"
	case "aeroplane", "plane":
		return "Airplane"
	case "stop sign":
		return "Stopsign"
	case "sports ball":
		return "Ball"
	case "sofa":
		return "Couch"
	case "pottedplant":
		return "Potted Plant"
	case "diningtable":
		return "Dining Table"
	case "tvmonitor", "television":
		return "Tv"
	case "remote":
		return "Remote Control"
	case "keyboard":
		return "Computer Keyboard"
	case "cell phone", "cellphone":
		return "Mobile Phone"
	case "hair drier", "hair dryer":
		return "Blow Dryer"
	}
	return title(name)
}

// Object returns the entity that stands for a label of a local model, with the parents and aliases that Rekognition gives
// that label. Where they are not known for certain it has none.
func Object(label string, confidence float64) timeline.Entity {
	return timeline.Entity{Name: label, Confidence: confidence, Parents: parents(label), Aliases: aliases(label)}
}

// parents returns all that a label is a kind of, in alphabetical order.
func parents(label string) []string {
	switch label {
	case "Face":
		return []string{"Head", "Person"}
	case "Car", "Bus", "Train", "Truck", "Bicycle", "Motorcycle":
		return []string{"Transportation", "Vehicle"}
	case "Airplane":
		return []string{"Aircraft", "Transportation", "Vehicle"}
	case "Dog":
		return []string{"Animal", "Canine", "Mammal", "Pet"}
	case "Cat":
		return []string{"Animal", "Mammal", "Pet"}
	case "Horse", "Sheep":
		return []string{"Animal", "Mammal"}
	case "Elephant", "Bear", "Zebra", "Giraffe":
		return []string{"Animal", "Mammal", "Wildlife"}
	case "Bird":
		return []string{"Animal"}
	case "Chair", "Couch", "Bed", "Bench":
		return []string{"Furniture"}
	case "Dining Table":
		return []string{"Furniture", "Table"}
	case "Mobile Phone":
		return []string{"Electronics", "Phone"}
	case "Tv", "Laptop", "Computer Keyboard", "Remote Control":
		return []string{"Electronics"}
	case "Banana", "Apple", "Orange":
		return []string{"Food", "Fruit", "Plant", "Produce"}
	case "Pizza", "Sandwich", "Hot Dog":
		return []string{"Food"}
	}
	return nil
}

// aliases returns other names of the same label.
func aliases(label string) []string {
	switch label {
	case "Person":
		return []string{"Human"}
	case "Car":
		return []string{"Automobile"}
	case "Bicycle":
		return []string{"Bike"}
	case "Mobile Phone":
		return []string{"Cell Phone"}
	}
	return nil
}

func isGap(r rune) bool { return r == '_' || r == '-' || unicode.IsSpace(r) }

// title writes each word of a name in lower case with a capital.
func title(name string) string {
	words := strings.Split(name, " ")
	for i, w := range words {
		if r, n := utf8.DecodeRuneInString(w); n > 0 {
			words[i] = string(unicode.ToUpper(r)) + w[n:]
		}
	}
	return strings.Join(words, " ")
}
