// Package timeline owns what Spotter knows: who and what is on screen at which position of a media, and how a
// window of that is looked up. It is plain Go and imports nothing of the program.
package timeline

import (
	"encoding/json"
	"time"
)

// Sources of an observation, as the viewer API names them.
const (
	SourceRekognition = "rekognition" // Amazon Rekognition
	SourceONNX        = "onnx"        // local neural models on ONNX Runtime
	SourceClassic     = "classic"     // OpenCV's cascades
)

// Entity is a celebrity or an object on screen.
type Entity struct {
	Name string `json:"name"`
	// ID and URLs come with celebrities: Rekognition's or the gallery's id, and where to read more.
	ID   string   `json:"id,omitempty"`
	URLs []string `json:"urls,omitempty"`
	// Parents and Aliases come with objects: what kind of thing it is, and what else it is called.
	Parents []string `json:"parents,omitempty"`
	Aliases []string `json:"aliases,omitempty"`
	// Confidence is 0 to 100, as Rekognition reports it.
	Confidence float64 `json:"confidence"`
}

// Observation is what one recogniser's answer says of one scene. Media and From identify it: a better answer for
// the same scene has the same key and a higher Revision, which Settle and Revise number.
type Observation struct {
	Media string `json:"media"`
	Span
	Source      string   `json:"source"`
	Revision    int      `json:"revision"`
	Celebrities []Entity `json:"celebrities"`
	Objects     []Entity `json:"objects"`
	// At is the wall-clock time of the recogniser's answer.
	At time.Time `json:"-"`
	// Open says that the scene may still be on screen: Until will grow.
	Open bool `json:"-"`
	// Edits are what people said of it; nil where nobody ever did. They are shared and not changed.
	Edits *Edits `json:"-"`
}

// MarshalJSON writes the observation as the viewer API's timeline and `spotter analyze` show it; lists are never null.
func (o Observation) MarshalJSON() ([]byte, error) {
	type plain Observation
	if o.Celebrities == nil {
		o.Celebrities = []Entity{}
	}
	if o.Objects == nil {
		o.Objects = []Entity{}
	}
	return json.Marshal(plain(o))
}
