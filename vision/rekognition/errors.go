package rekognition

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"spotter/internal/awsfault"
	"spotter/vision"
)

// unreadable is the code of a picture that Rekognition cannot read from S3.
const unreadable = "InvalidS3ObjectException"

// service returns what the errors of Rekognition in a region mean.
func service(region string) *awsfault.Service {
	return &awsfault.Service{
		Name: "Rekognition", Region: region, Rights: "rekognition:RecognizeCelebrities and rekognition:DetectLabels",
		Mends: map[string]string{
			unreadable: "put the bucket in region " + region + ", where Rekognition is asked, and allow s3:GetObject on its objects to these credentials",
		},
		Refusals: map[string]bool{"InvalidImageFormatException": true, "ImageTooLargeException": true, "InvalidParameterException": true},
	}
}

// explain says in words what an error of the SDK means and what mends it, and wraps the error of vision that it is.
func (r *Recognizer) explain(ctx context.Context, verb string, err error) error {
	return classed(r.service.Explain(ctx, verb, err))
}

// classed wraps the error of vision that an explained one is.
func classed(err error) error {
	switch awsfault.KindOf(err) {
	case awsfault.Throttled:
		return fmt.Errorf("%w: %w: lower calls_per_second or ask Amazon for a higher quota", err, vision.ErrThrottled)
	case awsfault.Refused:
		return fmt.Errorf("%w: %w", err, vision.ErrPicture)
	case awsfault.Denied:
		return &permanentError{err}
	}
	return err
}

// permanentError wraps vision.ErrPermanent without its words: the mend has the last.
type permanentError struct{ error }

func (e *permanentError) Unwrap() []error { return []error{e.error, vision.ErrPermanent} }

// codeOf returns the service's code of an explained error, or "".
func codeOf(err error) string {
	if e, ok := errors.AsType[*awsfault.Error](err); ok {
		return e.Code
	}
	return ""
}

// join returns the answer of calls and what failed of them. Where all failed, the error is as permanent as the most
// hopeful one: asking again helps if it helps with any.
func join(a vision.Answer, calls []call, failed []error) (vision.Answer, error) {
	var missing vision.Want
	var errs []error
	for i, err := range failed {
		if err != nil {
			missing |= calls[i].want
			errs = append(errs, err)
		}
	}
	switch {
	case len(errs) == 0:
		return a, nil
	case len(errs) < len(calls):
		return vision.Answer{}, &vision.PartialError{Answer: a, Missing: missing, Err: errs[0]}
	case len(errs) == 1:
		return vision.Answer{}, errs[0]
	}
	slices.SortStableFunc(errs, func(a, b error) int { return cmp.Compare(hopeless(a), hopeless(b)) })
	return vision.Answer{}, fmt.Errorf("%w; %v", errs[0], errs[1])
}

// hopeless orders errors by how little asking again helps.
func hopeless(err error) int {
	switch {
	case errors.Is(err, vision.ErrPermanent):
		return 2
	case errors.Is(err, vision.ErrThrottled):
		return 1
	default:
		return 0
	}
}
