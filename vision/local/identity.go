package local

import (
	"context"
	"fmt"
	"image"
	"math"
	"sync"

	"spotter/vision"
)

// embeddingSize is the number of dimensions of an embedding.
const embeddingSize = 128

// Identity turns an aligned face into an embedding, a direction in space that is near for two pictures of one person. It
// may be used from several goroutines.
type Identity struct {
	net       Network
	name      string
	threshold float64

	mu    sync.Mutex // guards frame
	frame letterbox
}

// NewSFace returns an identity on SFace (OpenCV Zoo, face_recognition_sface_2021dec; arXiv 2205.12010): input
// 1x3x112x112 of 0 to 255, output 1x128. The planes are red, green, blue, for OpenCV's FaceRecognizerSF swaps the blue
// and red of its pictures. The threshold of 0.363 is the Zoo's, for the cosine on LFW.
func NewSFace(net Network) *Identity {
	return &Identity{
		net: net, name: "sface", threshold: 0.363,
		frame: letterbox{size: image.Pt(templateSize, templateSize), rgb: true},
	}
}

// NewMobileFaceNet returns an identity on MobileFaceNet (arXiv 1804.07573): input 1x3x112x112, red, green, blue,
// normalised by ImageNet's mean and deviation, output 1x128. Aligned by five landmarks, press photos of one person are
// alike by 0.54 at least and those of two people by 0.24 at most; the threshold is 0.40.
func NewMobileFaceNet(net Network) *Identity {
	i := &Identity{
		net: net, name: "mobilefacenet", threshold: 0.40,
		frame: letterbox{size: image.Pt(templateSize, templateSize), rgb: true, mul: new([3]float32), add: new([3]float32)},
	}
	mean, deviation := [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
	for c := range mean {
		i.frame.mul[c], i.frame.add[c] = 1/(255*deviation[c]), -mean[c]/deviation[c]
	}
	return i
}

// Name returns the model's name, such as sface. Embeddings of two models cannot be compared.
func (i *Identity) Name() string { return i.name }

// Threshold returns the similarity, -1 to 1, from which two faces are one person.
func (i *Identity) Threshold() float64 { return i.threshold }

// Embed returns the embedding of a face that Align made with a size of 112: 128 numbers of L2 norm 1. The error wraps
// vision.ErrPicture for a picture of another size and vision.ErrPermanent for a network that is no such model. A run
// that has begun, some milliseconds, is not interrupted by ctx.
func (i *Identity) Embed(ctx context.Context, aligned *image.RGBA) ([]float32, error) {
	if aligned == nil || aligned.Rect.Size() != i.frame.size {
		return nil, fmt.Errorf("embed face: the picture is not of %d by %d pixels: align the face first: %w",
			templateSize, templateSize, vision.ErrPicture)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("embed face: %w", err)
	}
	outputs, err := i.net.Run(i.frame.draw(aligned))
	if err != nil {
		return nil, fmt.Errorf("embed face: %w", err)
	}
	if len(outputs) != 1 || len(outputs[0]) != embeddingSize {
		return nil, fmt.Errorf("embed face: the model does not give one output of %d numbers: use that of %s: %w",
			embeddingSize, i.name, vision.ErrPermanent)
	}
	if !normalize(outputs[0]) {
		return nil, fmt.Errorf("embed face: the model's output has no direction: %w", vision.ErrPicture)
	}
	return outputs[0], nil
}

// normalize gives v the L2 norm 1, or reports that it has none: it is zero, infinite or no number.
func normalize(v []float32) bool {
	var square float64
	for _, x := range v {
		square += float64(x) * float64(x)
	}
	if !(square > 0) || math.IsInf(square, 1) {
		return false
	}
	scale := 1 / math.Sqrt(square)
	for i, x := range v {
		v[i] = float32(float64(x) * scale)
	}
	return true
}
