package s3

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"spotter/internal/awsfault"
)

// checkKey ends the key of the object that Check writes.
const checkKey = "spotter-check"

// Finding is what Check found out about one thing.
type Finding struct {
	// What was looked at, such as "s3 bucket".
	What string
	// Err says what is wrong and the mend, nil where nothing is.
	Err error
	// Detail says what is there.
	Detail string
}

// Check looks whether the bucket is there and takes frames from these credentials. It writes a small object named
// spotter-check under the prefix, and leaves it there.
func (b *Bucket) Check(ctx context.Context) []Finding {
	there, put := Finding{What: "s3 bucket"}, Finding{What: "s3 put"}
	there.Detail, there.Err = b.head(ctx)
	if e, ok := errors.AsType[*awsfault.Error](there.Err); ok && e.Kind == awsfault.Denied && !forbidden(e.Code) {
		return []Finding{there}
	}
	key := b.Prefix + checkKey
	put.Err = b.try(ctx, key)
	if put.Err == nil {
		put.Detail = "wrote s3://" + b.Name + "/" + key
		if e, ok := errors.AsType[*awsfault.Error](there.Err); ok && forbidden(e.Code) {
			there.Detail, there.Err = b.Name+" takes pictures; only to be looked at it would need s3:ListBucket", nil
		}
	}
	return []Finding{there, put}
}

// forbidden reports whether a code speaks of rights.
func forbidden(code string) bool { return code == "Forbidden" || code == "AccessDenied" }

func (b *Bucket) head(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	_, err := b.Client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(b.Name)}, attempts)
	if err != nil {
		return "", b.explain(ctx, "look at bucket "+b.Name, "s3:ListBucket on "+b.Name, err)
	}
	return b.Name + " in region " + b.Region, nil
}

func (b *Bucket) try(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return b.put(ctx, &s3.PutObjectInput{Key: aws.String(key), ContentType: aws.String("text/plain")}, []byte("spotter check\n"))
}

// explain says in words what an error of the SDK means and what mends it.
func (b *Bucket) explain(ctx context.Context, verb, rights string, err error) error {
	if err == nil {
		return nil
	}
	s := &awsfault.Service{Name: "S3", Region: b.Region, Rights: rights, Mends: b.mends(), Refusals: map[string]bool{
		"KeyTooLongError": true, "EntityTooLarge": true, "MetadataTooLarge": true,
	}}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if region := regionOf(err); region != "" && region != b.Region { // whatever the code: a HEAD says little
			s.Mends[api.ErrorCode()] = fmt.Sprintf("bucket %s is in region %s, but is looked for in %s; set sync.s3.region or AWS_REGION to %s",
				b.Name, region, b.Region, region)
		}
	}
	return s.Explain(ctx, verb, err)
}

func (b *Bucket) mends() map[string]string {
	missing := "create bucket " + b.Name + " (spotter cloud-template prints a template for it) or correct sync.s3.bucket"
	elsewhere := "bucket " + b.Name + " is in another region than " + b.Region + "; set sync.s3.region or AWS_REGION to its own"
	key := "allow kms:GenerateDataKey on the bucket's key to these credentials, and see that the key is enabled"
	return map[string]string{
		"NoSuchBucket": missing, "NotFound": missing, "InvalidBucketName": "correct sync.s3.bucket",
		"PermanentRedirect": elsewhere, "MovedPermanently": elsewhere, "AuthorizationHeaderMalformed": elsewhere,
		"IllegalLocationConstraintException": elsewhere,
		"KMS.DisabledException":              key, "KMS.NotFoundException": key, "KMS.KMSInvalidStateException": key,
	}
}

// regionOf returns the region of the bucket, where the server said it with an error.
func regionOf(err error) string {
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || response.Response == nil {
		return ""
	}
	return response.Response.Header.Get("X-Amz-Bucket-Region")
}
