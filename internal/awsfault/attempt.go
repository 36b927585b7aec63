package awsfault

import (
	"context"
	"fmt"
	"time"

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
