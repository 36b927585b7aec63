// Package s3 owns the object of an analysed frame, its key, and what its bucket needs.
package s3

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"spotter/internal/awsfault"
	"spotter/timeline"
)

const (
	// putTimeout bounds one Put with its repeat, so that a dead link does not hold the outbox for minutes. A picture of 5 MB
	// takes 13 s at 3 Mb/s.
	putTimeout = 30 * time.Second
	// checkTimeout bounds one call of Check.
	checkTimeout = 10 * time.Second
	// maxAttempts is few, for the outbox asks again at its own pace.
	maxAttempts = 2
)

// Client is what Bucket needs of the SDK's *s3.Client.
type Client interface {
	PutObject(ctx context.Context, in *s3.PutObjectInput, opts ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	HeadBucket(ctx context.Context, in *s3.HeadBucketInput, opts ...func(*s3.Options)) (*s3.HeadBucketOutput, error)
}

// NewClient returns the SDK's client. Where the endpoint is not Amazon's, as AWS_ENDPOINT_URL_S3 says, the bucket stands in
// the path: other servers have no host name for each bucket.
func NewClient(c aws.Config) *s3.Client {
	return s3.NewFromConfig(c, func(o *s3.Options) {
		o.UsePathStyle = o.UsePathStyle || o.BaseEndpoint != nil && !amazons(*o.BaseEndpoint)
	})
}

func amazons(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	for _, domain := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws"} {
		if strings.HasSuffix(u.Hostname(), domain) {
			return true
		}
	}
	return false
}

// Bucket is an S3 bucket that takes frames.
type Bucket struct {
	Client Client
	Name   string
	// Prefix begins each key, such as "frames/"; it may be empty.
	Prefix string
	// Region is where Client asks.
	Region string
}

// Key returns the key of a media's frame, {prefix}{media}/{position}.jpg. The position is in milliseconds and has 12 digits,
// with more after 31 years, so that keys are in the order of time; before zero it has a minus in front of the 12 digits.
func (b *Bucket) Key(media string, at timeline.Position) string {
	sign := ""
	if at < 0 {
		sign, at = "-", -at
	}
	return fmt.Sprintf("%s%s/%s%012d.jpg", b.Prefix, media, sign, int64(at))
}

// Put writes a frame, in place of an older one of the same key, so it may be repeated. Errors are those of awsfault.
func (b *Bucket) Put(ctx context.Context, media string, at timeline.Position, jpeg []byte) error {
	key := b.Key(media, at)
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	return b.put(ctx, &s3.PutObjectInput{
		Key:         aws.String(key),
		ContentType: aws.String("image/jpeg"),
		Metadata:    map[string]string{"media": media, "position": at.String()},
	}, jpeg)
}

// put writes an object with a checksum, which the server compares before it takes it.
func (b *Bucket) put(ctx context.Context, in *s3.PutObjectInput, body []byte) error {
	// The SDK's own checksum comes after the body, which not every server that speaks S3 understands.
	sum := binary.BigEndian.AppendUint32(nil, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	in.ChecksumAlgorithm, in.ChecksumCRC32C = types.ChecksumAlgorithmCrc32c, aws.String(base64.StdEncoding.EncodeToString(sum))
	in.Bucket, in.Body, in.ContentLength = aws.String(b.Name), bytes.NewReader(body), aws.Int64(int64(len(body)))
	_, err := b.Client.PutObject(ctx, in, attempts)
	return b.explain(ctx, "put s3://"+b.Name+"/"+*in.Key, "s3:PutObject on "+b.Name+"/"+b.Prefix+"*", err)
}

// attempts makes a call go by few attempts, whatever AWS_MAX_ATTEMPTS says, and by one where S3 wants to be asked more slowly.
func attempts(o *s3.Options) { o.RetryMaxAttempts, o.Retryer = 0, awsfault.Attempts(maxAttempts) }
