package awsfault

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Credentials returns a credential chain whose errors Explain knows: the SDK does not type them.
func Credentials(p aws.CredentialsProvider) aws.CredentialsProvider { return chain{p} }

type chain struct{ aws.CredentialsProvider }

func (c chain) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return got, &credentialsError{err}
	}
	return got, nil
}

// credentialsError is a failure of the credential chain.
type credentialsError struct{ cause error }

func (e *credentialsError) Error() string { return "get AWS credentials: " + e.cause.Error() }
func (e *credentialsError) Unwrap() error { return e.cause }

// explain tells "none found", which ends at the metadata service of a machine that is not one of Amazon's and so has
// none, from a provider that could not be reached just now.
func (e *credentialsError) explain(verb string) error {
	var unsent *smithyhttp.RequestSendError
	var operation *smithy.OperationError
	metadata := errors.As(e.cause, &operation) && operation.Service() == "ec2imds"
	if errors.As(e.cause, &unsent) && !metadata {
		return &Error{Kind: Away, text: verb + ": get AWS credentials: " + unsent.Error(), err: unsent}
	}
	return &Error{
		Kind: Denied, text: verb + ": no AWS credentials",
		Mend: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a shared credentials file or a role",
	}
}
