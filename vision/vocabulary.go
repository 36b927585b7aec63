package vision

import (
	"strings"
	"unicode"
	"unicode/utf8"
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
