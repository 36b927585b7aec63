package awsfault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Within bounds each attempt of a call, for Options.APIOptions: what is lost on a dead connection is sent again on another while that is
// still of use, and not given up when the time of the whole call is over.
func Within(d time.Duration) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("Within", func(
			ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
		) (middleware.FinalizeOutput, middleware.Metadata, error) {
			attempt, cancel := context.WithTimeout(ctx, d)
			defer cancel()
			out, metadata, err := next.HandleFinalize(attempt, in)
			if err != nil && attempt.Err() != nil && ctx.Err() == nil {
				err = &smithyhttp.RequestSendError{Err: fmt.Errorf("no answer within %v", d)} // as of a lost connection
			}
			return out, metadata, err
		}), "Retry", middleware.After)
	}
}

// Attempts returns a retryer that tries again, soon, what a lost connection or a fault of the server ended. Throttling ends the
// call: whoever has many of them must slow down all. A client's RetryMaxAttempts must be 0, or it goes before.
func Attempts(most int) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = most
		o.RateLimiter = ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return rand.N(100 * time.Millisecond << attempt), nil
		})
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(notThrottling)}, o.Retryables...)
	})
}

// notThrottling says no to what is throttling, and nothing of anything else.
func notThrottling(err error) aws.Ternary {
	api, ok := errors.AsType[smithy.APIError](err)
	if ok && throttles[api.ErrorCode()] || retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}
