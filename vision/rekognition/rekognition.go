// Package rekognition owns how Amazon Rekognition is asked about a picture, and what its answers and refusals mean.
package rekognition

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/smithy-go/logging"

	"spotter/internal/awsfault"
	"spotter/timeline"
	"spotter/vision"
)

// Rekognition's limits for pictures (Amazon Rekognition Developer Guide, "Guidelines and quotas").
const (
	MaxImageBytes  = 5 << 20  // of a picture that is sent
	MaxObjectBytes = 15 << 20 // of one that Rekognition reads from S3
	MinImageSide   = 80       // pixels
)

// USDPerCall is the list price of one image and API in the first tier, up to a million images a month, without taxes
// and volume discounts (Amazon Rekognition pricing, "Image analysis").
const USDPerCall = 0.001

// USDPerPicture is the list price of all that can be asked about a picture: both APIs, once.
const USDPerPicture = 2 * USDPerCall

// The APIs, as a Purse knows them.
const (
	CelebritiesAPI = "RecognizeCelebrities"
	LabelsAPI      = "DetectLabels"
)

// Purse is what calls are paid from. Each of its errors wraps vision.ErrThrottled. It may be used from several
// goroutines.
type Purse interface {
	// Spend pays for one call of each API before the first is sent, all or none.
	Spend(apis ...string) error
	// Again pays for one repeat of a call.
	Again(api string) error
	// Throttled tells that the API asked for a slower pace.
	Throttled(api string)
}

// Config says how to ask.
type Config struct {
	// Region is such as "us-east-1"; empty leaves it to the standard chain (AWS_REGION, the shared config file).
	Region string
	// MaxLabels is the most objects in an answer, at least 1.
	MaxLabels int
	// MinConfidence is the least confidence of an object, 0 to 100.
	MinConfidence float64
	// Purse is what each attempt of each call is paid from.
	Purse Purse
	// Upload puts a picture into an S3 bucket, from which Rekognition reads it in place of its bytes; nil sends the bytes.
	// It may be called from several goroutines. A picture that cannot be put there or read is sent all the same.
	Upload func(ctx context.Context, p vision.Picture) (bucket, key string, err error)
	// OnFault, which may be nil, hears why pictures are sent that Rekognition was to read from S3. It may be called from
	// several goroutines.
	OnFault func(error)
}

// Recognizer asks Amazon Rekognition. It implements vision.Recognizer.
type Recognizer struct {
	client      *rekognition.Client
	credentials aws.CredentialsProvider
	retryer     aws.RetryerV2 // shared by all calls
	purse       Purse
	service     *awsfault.Service
	objects     *objects                // nil: pictures are sent
	limits      *atomic.Pointer[limits] // shared by all that ask in the same way
}

// limits are what bounds the objects of an answer.
type limits struct {
	maxLabels     int32
	minConfidence float32
}

// checkLimits returns what is wrong with them.
func checkLimits(maxLabels int, minConfidence float64) error {
	if maxLabels < 1 || maxLabels > 1000 {
		return fmt.Errorf("max labels %d: %w: give 1 to 1000", maxLabels, vision.ErrPermanent)
	}
	if !(minConfidence >= 0 && minConfidence <= 100) {
		return fmt.Errorf("min confidence %g: %w: give 0 to 100", minConfidence, vision.ErrPermanent)
	}
	return nil
}

// SetLimits puts other bounds in the place of MaxLabels and MinConfidence, for the pictures that come from now on, also of those
// that With has returned. What is out of range fails with vision.ErrPermanent and changes nothing.
func (r *Recognizer) SetLimits(maxLabels int, minConfidence float64) error {
	if err := checkLimits(maxLabels, minConfidence); err != nil {
		return err
	}
	r.limits.Store(&limits{int32(maxLabels), float32(minConfidence)})
	return nil
}

// New returns a recogniser that finds its credentials by the SDK's standard chain, environment variables such as
// AWS_ENDPOINT_URL_REKOGNITION included. It makes no call; a missing region and parameters out of range fail with
// vision.ErrPermanent.
func New(ctx context.Context, c Config) (*Recognizer, error) {
	bounds := new(atomic.Pointer[limits])
	if err := (&Recognizer{limits: bounds}).SetLimits(c.MaxLabels, c.MinConfidence); err != nil {
		return nil, err
	}
	if c.Purse == nil {
		return nil, fmt.Errorf("no purse: %w: give one to pay calls from", vision.ErrPermanent)
	}
	options := []func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}), // it would write to standard error on its own
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("load AWS configuration: %w: %w: check AWS_PROFILE and the shared config file", vision.ErrPermanent, err)
	}
	if cfg.Region == "" {
		return nil, fmt.Errorf("find AWS region: %w: set vision.rekognition.region or AWS_REGION", vision.ErrPermanent)
	}
	cfg.Credentials = awsfault.Credentials(cfg.Credentials)
	return &Recognizer{
		client:      rekognition.NewFromConfig(cfg),
		credentials: cfg.Credentials,
		retryer:     newRetryer(),
		purse:       c.Purse,
		service:     service(cfg.Region),
		objects:     newObjects(c),
		limits:      bounds,
	}, nil
}

// With returns a recogniser that asks in the same way and pays from another purse.
func (r *Recognizer) With(p Purse) *Recognizer {
	other := *r
	other.purse = p
	return &other
}

// Recognize makes the calls that are wanted, at the same time, and answers when all have ended. It pays for all before
// the first, or makes none. Where one failed and the other was answered, the error is a *vision.PartialError.
func (r *Recognizer) Recognize(ctx context.Context, p vision.Picture) (vision.Answer, error) {
	if err := ctx.Err(); err != nil {
		return vision.Answer{}, fmt.Errorf("ask rekognition: %w", err)
	}
	if err := fit(p, r.objects != nil); err != nil {
		return vision.Answer{}, err
	}
	// Without credentials nothing is sent, so nothing is to be paid. They are cached.
	if _, err := r.credentials.Retrieve(ctx); err != nil {
		return vision.Answer{}, r.explain(ctx, "ask rekognition", err)
	}
	calls := r.calls(p)
	apis := make([]string, len(calls))
	for i, c := range calls {
		apis[i] = c.api
	}
	if err := r.purse.Spend(apis...); err != nil {
		return vision.Answer{}, fmt.Errorf("ask rekognition: %w", err)
	}
	image, err := r.image(ctx, p)
	if err != nil {
		return vision.Answer{}, err
	}
	answer := vision.Answer{Source: timeline.SourceRekognition}
	failed := make([]error, len(calls))
	var all sync.WaitGroup
	for i, c := range calls {
		all.Go(func() { failed[i] = r.make(ctx, c, image, p, &answer) }) // each sets fields of its own
	}
	all.Wait()
	return join(answer, calls, failed)
}

// call is one call about one picture.
type call struct {
	api  string
	want vision.Want
	ask  func(context.Context, *types.Image, *vision.Answer) error
}

// calls returns those that answer what is wanted.
func (r *Recognizer) calls(p vision.Picture) []call {
	celebrities := call{CelebritiesAPI, vision.WantCelebrities, func(ctx context.Context, image *types.Image, a *vision.Answer) error {
		out, err := r.client.RecognizeCelebrities(ctx, &rekognition.RecognizeCelebritiesInput{Image: image}, r.attempts(CelebritiesAPI))
		if err != nil {
			return r.explain(ctx, "recognize celebrities", err)
		}
		a.Celebrities, a.Faces = people(out)
		return nil
	}}
	bound := r.limits.Load()
	labels := call{LabelsAPI, vision.WantObjects, func(ctx context.Context, image *types.Image, a *vision.Answer) error {
		out, err := r.client.DetectLabels(ctx, &rekognition.DetectLabelsInput{
			Image: image, MaxLabels: &bound.maxLabels, MinConfidence: &bound.minConfidence,
		}, r.attempts(LabelsAPI))
		if err != nil {
			return r.explain(ctx, "detect labels", err)
		}
		a.Objects, a.Places = things(out), places(out)
		return nil
	}}
	wanted := p.Wanted()
	return slices.DeleteFunc([]call{celebrities, labels}, func(c call) bool { return !wanted.Has(c.want) })
}

func (r *Recognizer) attempts(api string) func(*rekognition.Options) {
	return (&attempts{RetryerV2: r.retryer, purse: r.purse, service: r.service, api: api}).use
}

// fit refuses what Rekognition would refuse, without the bill and the upload.
func fit(p vision.Picture, objects bool) error {
	most := MaxImageBytes
	if objects {
		most = MaxObjectBytes
	}
	switch {
	case p.Width < MinImageSide || p.Height < MinImageSide:
		return fmt.Errorf("picture of %dx%d pixels: %w: Rekognition wants %d a side at least", p.Width, p.Height, vision.ErrPicture, MinImageSide)
	case len(p.JPEG) > most:
		return fmt.Errorf("picture of %d bytes: %w: Rekognition takes %d at most; encode it smaller", len(p.JPEG), vision.ErrPicture, most)
	case http.DetectContentType(p.JPEG) != "image/jpeg":
		return fmt.Errorf("picture of %d bytes: %w: not a JPEG", len(p.JPEG), vision.ErrPicture)
	}
	return nil
}
