package rekognition

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"spotter/vision"
)

// classify says in words what an error of the SDK means and what mends it. An error that the service sent is rewritten
// from its code alone, because the message of a refused signature repeats the request with its session token.
func (r *Recognizer) classify(ctx context.Context, verb string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", verb, ctx.Err())
	}
	var missing *credentialsError
	if errors.As(err, &missing) {
		return missing.classify(verb)
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("%s: %w", verb, transport(err))
	}
	code := api.ErrorCode()
	switch code {
	case "ThrottlingException", "Throttling", "ProvisionedThroughputExceededException", "LimitExceededException",
		"RequestLimitExceeded", "TooManyRequestsException":
		return fmt.Errorf("%s: %s: %w: lower calls_per_second or ask Amazon for a higher quota", verb, code, vision.ErrThrottled)
	case "InvalidImageFormatException", "ImageTooLargeException", "InvalidParameterException":
		return fmt.Errorf("%s: %s: %w", verb, code, vision.ErrPicture)
	}
	if mend := r.mend(code); mend != "" {
		return fmt.Errorf("%s: %s: %w: %s", verb, code, vision.ErrPermanent, mend)
	}
	return fmt.Errorf("%s: rekognition answered %s", verb, describe(err, code))
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

// mend returns what a person has to do about a permanent error, or "" for any other.
func (r *Recognizer) mend(code string) string {
	switch code {
	case "AccessDeniedException", "AccessDenied", "NotAuthorized":
		return "allow rekognition:RecognizeCelebrities and rekognition:DetectLabels to these credentials"
	case "UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationTokenException", "MissingAuthenticationToken",
		"IncompleteSignature", "IncompleteSignatureException":
		return "the access key is not known in region " + r.region + "; check the credentials and the region"
	case "InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed":
		return "check the secret access key and that this machine's clock is right"
	case "ExpiredTokenException", "ExpiredToken":
		return "the session token has expired; renew the credentials"
	case "OptInRequired", "SubscriptionRequiredException":
		return "sign the AWS account up for Rekognition in region " + r.region
	case "UnknownOperationException":
		return "the endpoint does not speak Rekognition; check region " + r.region + " and AWS_ENDPOINT_URL"
	}
	return ""
}

// describe names a transient answer: code, HTTP status and what Amazon's support asks for, the request's id.
func describe(err error, code string) string {
	var response interface {
		HTTPStatusCode() int
		ServiceRequestID() string
	}
	if !errors.As(err, &response) {
		return code
	}
	return fmt.Sprintf("%s, status %d, request %s", code, response.HTTPStatusCode(), response.ServiceRequestID())
}

// credentialsError is a failure of the credential chain.
type credentialsError struct{ cause error }

func (e *credentialsError) Error() string { return "get AWS credentials: " + e.cause.Error() }
func (e *credentialsError) Unwrap() error { return e.cause }

// classify tells "none found", which ends at the metadata service of a machine that is not one of Amazon's and so has
// none, from a provider that could not be reached just now.
func (e *credentialsError) classify(verb string) error {
	var unsent *smithyhttp.RequestSendError
	var operation *smithy.OperationError
	metadata := errors.As(e.cause, &operation) && operation.Service() == "ec2imds"
	if errors.As(e.cause, &unsent) && !metadata {
		return fmt.Errorf("%s: get AWS credentials: %w", verb, unsent)
	}
	return fmt.Errorf("%s: no AWS credentials: %w: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a shared credentials "+
		"file or a role", verb, vision.ErrPermanent)
}

// transport drops the SDK's wrapping from an error that never got to the service, or from it.
func transport(err error) error {
	var unsent *smithyhttp.RequestSendError
	if errors.As(err, &unsent) {
		return unsent
	}
	return err
}
