package rekognition

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"spotter/internal/awsfault"
	"spotter/vision"
)

const (
	// uploadWithin bounds an upload, so that a picture that S3 is slow to take is still sent before it is of no interest.
	uploadWithin = time.Second
	// awayRest is how long pictures are sent at once after an upload that failed, and unreadableRest after one that
	// Rekognition could not read, which a person has to mend.
	awayRest       = 10 * time.Second
	unreadableRest = 2 * time.Minute
)

// objects is how pictures get into S3, and for how long not. It may be used from several goroutines.
type objects struct {
	upload  func(context.Context, vision.Picture) (bucket, key string, err error)
	onFault func(error)
	now     func() time.Time

	mu    sync.Mutex
	until time.Time // of the rest
}

func newObjects(c Config) *objects {
	if c.Upload == nil {
		return nil
	}
	o := &objects{upload: c.Upload, onFault: c.OnFault, now: time.Now}
	if o.onFault == nil {
		o.onFault = func(error) {}
	}
	return o
}

func (o *objects) resting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now().Before(o.until)
}

// rest has pictures sent for a while. It reports whether they were not before.
func (o *objects) rest(d time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	first := !now.Before(o.until)
	if until := now.Add(d); until.After(o.until) {
		o.until = until
	}
	return first
}

// image returns what Rekognition is to look at: the picture's object in S3 where it is to be read there, else its bytes.
func (r *Recognizer) image(ctx context.Context, p vision.Picture) (*types.Image, error) {
	small := len(p.JPEG) <= MaxImageBytes
	if r.objects == nil || small && r.objects.resting() {
		return &types.Image{Bytes: p.JPEG}, nil
	}
	bounded, cancel := ctx, context.CancelFunc(func() {})
	if small {
		bounded, cancel = context.WithTimeout(ctx, uploadWithin)
	}
	defer cancel()
	bucket, key, err := r.objects.upload(bounded, p)
	switch {
	case err == nil:
		return &types.Image{S3Object: &types.S3Object{Bucket: &bucket, Name: &key}}, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("upload the picture for Rekognition: %w", ctx.Err())
	case !small: // S3 may take it later, so it is not this picture that is unfit
		return nil, fmt.Errorf("upload the picture for Rekognition: %w; it has %d bytes, and only %d could be sent", err, len(p.JPEG), MaxImageBytes)
	}
	if awsfault.KindOf(err) == awsfault.Denied {
		err = &permanentError{err}
	}
	if r.objects.rest(awayRest) {
		r.objects.onFault(fmt.Errorf("upload the picture for Rekognition, its bytes are sent instead: %w", err))
	}
	return &types.Image{Bytes: p.JPEG}, nil
}

// make makes one call. An object that Rekognition cannot read costs another call, with the bytes.
func (r *Recognizer) make(ctx context.Context, c call, image *types.Image, p vision.Picture, a *vision.Answer) error {
	err := c.ask(ctx, image, a)
	if err == nil || image.S3Object == nil || codeOf(err) != unreadable {
		return err
	}
	if len(p.JPEG) > MaxImageBytes {
		return fmt.Errorf("%w: %v; it has %d bytes, and only %d could be sent", vision.ErrPicture, err, len(p.JPEG), MaxImageBytes)
	}
	if r.objects.rest(unreadableRest) {
		r.objects.onFault(fmt.Errorf("read the picture from bucket %s, its bytes are sent instead: %w", *image.S3Object.Bucket, err))
	}
	if err := r.purse.Again(c.api); err != nil {
		return fmt.Errorf("ask rekognition with the picture's bytes: %w", err)
	}
	return c.ask(ctx, &types.Image{Bytes: p.JPEG}, a)
}
