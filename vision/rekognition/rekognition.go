// Package rekognition owns how Amazon Rekognition is asked about a picture, and what its answers and refusals mean.
package rekognition

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/smithy-go/logging"
	"golang.org/x/sync/errgroup"

	"spotter/timeline"
	"spotter/vision"
)

// Rekognition's limits for pictures sent as bytes (Amazon Rekognition Developer Guide, "Guidelines and quotas").
const (
	MaxImageBytes = 5 << 20
	MinImageSide  = 80 // pixels
)

// What a picture costs.
const (
	// CallsPerPicture is RecognizeCelebrities and DetectLabels.
	CallsPerPicture = 2
	// USDPerCall is the list price of one image and API in the first tier, up to a million images a month, without
	// taxes and volume discounts (Amazon Rekognition pricing, "Image analysis").
	USDPerCall = 0.001
	// USDPerPicture is what one picture costs.
	USDPerPicture = CallsPerPicture * USDPerCall
)

// Config says how to ask.
type Config struct {
	// Region is such as "us-east-1"; empty leaves it to the standard chain (AWS_REGION, the shared config file).
	Region string
	// MaxLabels is the most objects in an answer, at least 1.
	MaxLabels int
	// MinConfidence is the least confidence of an object, 0 to 100.
	MinConfidence float64
}

// Recognizer asks Amazon Rekognition. It implements vision.Recognizer.
type Recognizer struct {
	client        *rekognition.Client
	region        string
	maxLabels     int32
	minConfidence float32
}

// New returns a recogniser that finds its credentials by the SDK's standard chain, environment variables such as
// AWS_ENDPOINT_URL_REKOGNITION included. It makes no call; a missing region and parameters out of range fail with
// vision.ErrPermanent.
func New(ctx context.Context, c Config) (*Recognizer, error) {
	if c.MaxLabels < 1 || c.MaxLabels > 1000 {
		return nil, fmt.Errorf("max labels %d: %w: give 1 to 1000", c.MaxLabels, vision.ErrPermanent)
	}
	if !(c.MinConfidence >= 0 && c.MinConfidence <= 100) {
		return nil, fmt.Errorf("min confidence %g: %w: give 0 to 100", c.MinConfidence, vision.ErrPermanent)
	}
	// Each attempt may be billed and the caller has a deadline, a budget and another recogniser, so the SDK must not
	// repeat anything on its own.
	options := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
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
	cfg.Credentials = chain{cfg.Credentials}
	return &Recognizer{
		client:        rekognition.NewFromConfig(cfg),
		region:        cfg.Region,
		maxLabels:     int32(c.MaxLabels),
		minConfidence: float32(c.MinConfidence),
	}, nil
}

// Recognize asks for celebrities and for labels at the same time, and answers when both have come. The first error
// cancels the other call.
func (r *Recognizer) Recognize(ctx context.Context, p vision.Picture) (vision.Answer, error) {
	if err := ctx.Err(); err != nil {
		return vision.Answer{}, fmt.Errorf("ask rekognition: %w", err)
	}
	if err := fit(p); err != nil {
		return vision.Answer{}, err
	}
	image := &types.Image{Bytes: p.JPEG}
	answer := vision.Answer{Source: timeline.SourceRekognition}
	group, both := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		answer.Celebrities, err = r.celebrities(both, image)
		return err
	})
	group.Go(func() (err error) {
		answer.Objects, err = r.labels(both, image)
		return err
	})
	if err := group.Wait(); err != nil {
		return vision.Answer{}, err
	}
	return answer, nil
}

// fit refuses what Rekognition would refuse, without the bill and the upload.
func fit(p vision.Picture) error {
	switch {
	case p.Width < MinImageSide || p.Height < MinImageSide:
		return fmt.Errorf("picture of %dx%d pixels: %w: Rekognition wants %d a side at least", p.Width, p.Height, vision.ErrPicture, MinImageSide)
	case len(p.JPEG) > MaxImageBytes:
		return fmt.Errorf("picture of %d bytes: %w: Rekognition takes %d at most; encode it smaller", len(p.JPEG), vision.ErrPicture, MaxImageBytes)
	case http.DetectContentType(p.JPEG) != "image/jpeg":
		return fmt.Errorf("picture of %d bytes: %w: not a JPEG", len(p.JPEG), vision.ErrPicture)
	}
	return nil
}

func (r *Recognizer) celebrities(ctx context.Context, image *types.Image) ([]timeline.Entity, error) {
	out, err := r.client.RecognizeCelebrities(ctx, &rekognition.RecognizeCelebritiesInput{Image: image})
	if err != nil {
		return nil, r.classify(ctx, "recognize celebrities", err)
	}
	entities := make([]timeline.Entity, 0, len(out.CelebrityFaces))
	for _, c := range out.CelebrityFaces {
		entities = append(entities, timeline.Entity{
			Name:       aws.ToString(c.Name),
			ID:         aws.ToString(c.Id),
			URLs:       c.Urls,
			Confidence: percent(c.MatchConfidence),
		})
	}
	return ordered(entities), nil
}

func (r *Recognizer) labels(ctx context.Context, image *types.Image) ([]timeline.Entity, error) {
	out, err := r.client.DetectLabels(ctx, &rekognition.DetectLabelsInput{
		Image:         image,
		MaxLabels:     aws.Int32(r.maxLabels),
		MinConfidence: aws.Float32(r.minConfidence),
	})
	if err != nil {
		return nil, r.classify(ctx, "detect labels", err)
	}
	entities := make([]timeline.Entity, 0, len(out.Labels))
	for _, l := range out.Labels {
		entities = append(entities, timeline.Entity{Name: aws.ToString(l.Name), Confidence: percent(l.Confidence)})
	}
	return ordered(entities), nil
}

// percent widens a confidence to three decimals, so that 99.1 does not become 99.0999984741211.
func percent(f *float32) float64 {
	p := min(max(float64(aws.ToFloat32(f)), 0), 100)
	return float64(int64(p*1000+0.5)) / 1000
}

// ordered returns the entities most confident first, each once: the same celebrity may be there twice, in a mirror or on
// a screen. Nameless ones are of no use to anyone.
func ordered(entities []timeline.Entity) []timeline.Entity {
	slices.SortStableFunc(entities, func(a, b timeline.Entity) int { return cmp.Compare(b.Confidence, a.Confidence) })
	seen := make(map[string]bool, len(entities))
	return slices.DeleteFunc(entities, func(e timeline.Entity) bool {
		key := cmp.Or(e.ID, e.Name)
		again := seen[key] || e.Name == ""
		seen[key] = true
		return again
	})
}

// chain marks errors of the credential chain, which the SDK does not type.
type chain struct{ aws.CredentialsProvider }

func (c chain) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return got, &credentialsError{err}
	}
	return got, nil
}
