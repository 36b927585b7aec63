package rekognition

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"

	"spotter/internal/awsfault"
)

const (
	maxAttempts = 3
	// maxBackoff is short, for the caller has another recogniser and a live picture is soon of no interest.
	maxBackoff = 300 * time.Millisecond
)

// errNoTime ends the attempts of a call whose deadline comes before another could.
var errNoTime = errors.New("no time to ask again")

// newRetryer returns the SDK's standard retryer: server errors, connections that broke and throttling are worth another
// attempt. What is shared by all calls, its quota of repeats, ends the repeats while the service is down.
func newRetryer() aws.RetryerV2 {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxAttempts
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) {
			return maxBackoff/4 + rand.N(3*maxBackoff/4), nil
		})
	})
}

// attempts is the retryer of one call whose first attempt is paid. The SDK uses it from one goroutine.
type attempts struct {
	aws.RetryerV2
	purse   Purse
	service *awsfault.Service
	api     string
	made    int
	last    error // of the attempt before
}

// use makes a call go by these attempts, whatever AWS_MAX_ATTEMPTS says.
func (a *attempts) use(o *rekognition.Options) { o.Retryer, o.RetryMaxAttempts = a, 0 }

// GetAttemptToken is asked before each attempt is sent, and pays for it.
func (a *attempts) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	a.made++
	if a.made > 1 {
		if err := a.purse.Again(a.api); err != nil {
			return nil, &unpaidError{last: a.last, refusal: err}
		}
	}
	return a.RetryerV2.GetAttemptToken(ctx)
}

// IsErrorRetryable is asked once after each attempt that failed.
func (a *attempts) IsErrorRetryable(err error) bool {
	a.last = err
	if retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool() {
		a.purse.Throttled(a.api)
	}
	if awsfault.KindOf(a.service.Explain(context.Background(), a.api, err)) == awsfault.Denied { // credentials that cannot be found, too
		return false
	}
	return a.RetryerV2.IsErrorRetryable(err)
}

// GetRetryToken is asked before the pause that leads to another attempt.
func (a *attempts) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < maxBackoff {
		return nil, errNoTime
	}
	return a.RetryerV2.GetRetryToken(ctx, err)
}

// unpaidError is the error of the last attempt, when the budget refused another.
type unpaidError struct{ last, refusal error }

func (e *unpaidError) Error() string {
	return fmt.Sprintf("%v (not asked again: %v)", e.last, e.refusal)
}
func (e *unpaidError) Unwrap() error { return e.last }
