// Package awsfault owns what the errors of Amazon's services mean: whether to wait, to slow down, to leave one request be or
// to call a person, and what that person has to do.
package awsfault

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Kind is what to do about an error.
type Kind int

const (
	// Away is a service that cannot be reached, or fails: to be asked again after a while.
	Away Kind = iota
	// Throttled is a service that is asked too fast: to be asked again more slowly.
	Throttled
	// Refused is one request that the service will never take; others may well be taken.
	Refused
	// Denied is a service that takes nothing until a person has done what Mend says.
	Denied
)

// String returns the kind as it is in metrics and logs.
func (k Kind) String() string {
	switch k {
	case Away:
		return "away"
	case Throttled:
		return "throttled"
	case Refused:
		return "refused"
	case Denied:
		return "denied"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Error is an error of a service and what it means.
type Error struct {
	Kind Kind
	// Code is the service's own, such as "ResourceNotFoundException"; empty where it did not answer.
	Code string
	// Mend is what a person has to do; empty where time mends it.
	Mend string
	text string
	err  error
}

// Error says what failed, and the mend.
func (e *Error) Error() string {
	if e.Mend != "" {
		return e.text + ": " + e.Mend
	}
	return e.text
}

// Unwrap returns the cause, unless it repeats what must stay secret.
func (e *Error) Unwrap() error { return e.err }

// New returns an error of our own making, such as that of a request too large to be sent.
func New(kind Kind, text, mend string) *Error { return &Error{Kind: kind, text: text, Mend: mend} }

// KindOf returns the kind of an error, Away for one that Service never saw.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Away
}

// Service is what the mends speak of.
type Service struct {
	// Name is as people say it, such as "DynamoDB".
	Name string
	// Region is where it is asked.
	Region string
	// Rights are the IAM actions that are needed and on what, such as "dynamodb:PutItem on table x".
	Rights string
	// Mends are what to do about the service's own permanent errors, by code.
	Mends map[string]string
	// Refusals are the codes of errors of one request alone.
	Refusals map[string]bool
}

// Explain returns what an error of the SDK means; verb says what was tried, such as "put item in x". The service's own message is
// left out where it answered: that of a refused signature repeats the request with its session token. It returns nil for nil.
func (s *Service) Explain(ctx context.Context, verb string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if ctx.Err() != nil {
		return &Error{Kind: Away, text: verb + ": " + ctx.Err().Error(), err: ctx.Err()}
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return s.unsent(verb, err)
	}
	e := &Error{Code: api.ErrorCode(), text: verb + ": " + describe(err, s.Name, api.ErrorCode())}
	switch {
	case throttles[e.Code]:
		e.Kind = Throttled
	case s.Refusals[e.Code]:
		e.Kind = Refused
	default:
		if e.Mend = s.mend(e.Code); e.Mend != "" {
			e.Kind = Denied
		}
	}
	return e
}

// throttles are the codes of a service that is asked too fast.
var throttles = map[string]bool{
	"ThrottlingException": true, "Throttling": true, "ThrottledException": true, "RequestThrottled": true,
	"ProvisionedThroughputExceededException": true, "RequestLimitExceeded": true, "LimitExceededException": true,
	"TooManyRequestsException": true, "SlowDown": true, "Throttled": true, "KMSThrottling": true,
}

// mend returns what a person has to do about an error, or "".
func (s *Service) mend(code string) string {
	if m := s.Mends[code]; m != "" {
		return m
	}
	switch code {
	case "AccessDeniedException", "AccessDenied", "AuthorizationError", "AuthorizationErrorException", "NotAuthorized", "Forbidden":
		return "allow " + s.Rights + " to these credentials"
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "MissingAuthenticationTokenException",
		"MissingAuthenticationToken", "IncompleteSignature", "IncompleteSignatureException", "InvalidToken":
		return "the access key is not known in region " + s.Region + "; check the credentials and the region"
	case "InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed":
		return "check the secret access key and that this machine's clock is right"
	case "ExpiredTokenException", "ExpiredToken":
		return "the session token has expired; renew the credentials"
	case "OptInRequired", "SubscriptionRequiredException":
		return "sign the AWS account up for " + s.Name + " in region " + s.Region
	case "UnknownOperationException":
		return "the endpoint does not speak " + s.Name + "; check region " + s.Region + " and AWS_ENDPOINT_URL"
	}
	return ""
}

// unsent explains an error that never got to the service, or of an answer that never came.
func (s *Service) unsent(verb string, err error) error {
	if missing, ok := errors.AsType[*credentialsError](err); ok {
		return missing.explain(verb)
	}
	if sent, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		err = sent
	}
	return &Error{Kind: Away, text: fmt.Sprintf("%s: %v", verb, err), err: err}
}

// describe names an answer: code, HTTP status and what Amazon's support asks for, the request's id.
func describe(err error, service, code string) string {
	var response interface {
		HTTPStatusCode() int
		ServiceRequestID() string
	}
	if !errors.As(err, &response) {
		return service + " answered " + code
	}
	return fmt.Sprintf("%s answered %s, status %d, request %s", service, code, response.HTTPStatusCode(), response.ServiceRequestID())
}
