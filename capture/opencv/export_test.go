//go:build !nocv

package opencv

// Hold sets how many bytes of full pictures may wait.
func (d *Decoder) Hold(n int) { d.held = n }

var (
	Comb       = comb
	SquareSize = squareSize
)

// ToneMap maps a BGR picture in place.
var NewToneMap = newToneMap

// Apply is apply.
func (t *toneMap) Apply(bgr []byte) { t.apply(bgr) }
