package s3_test

import (
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"spotter/internal/awsfault"
	"spotter/internal/awslocal"
	"spotter/sync/s3"
)

// TestMoto puts frames into a bucket of moto's server.
func TestMoto(t *testing.T) {
	c := client(awslocal.Moto(t))
	b := &s3.Bucket{Client: c, Name: "pictures", Prefix: "frames/", Region: "us-east-1"}
	for _, f := range b.Check(t.Context()) {
		if awsfault.KindOf(f.Err) != awsfault.Denied || !strings.Contains(f.Err.Error(), "create bucket pictures") {
			t.Errorf("%s of no bucket: %v", f.What, f.Err)
		}
	}
	if _, err := c.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: aws.String(b.Name)}); err != nil {
		t.Fatal(err)
	}
	for _, f := range b.Check(t.Context()) {
		if f.Err != nil || f.Detail == "" {
			t.Errorf("%s: %q, %v", f.What, f.Detail, f.Err)
		}
	}
	for _, body := range []string{"older", "newer"} {
		if err := b.Put(t.Context(), "cup-final", 41_275, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.GetObject(t.Context(), &sdk.GetObjectInput{
		Bucket: aws.String(b.Name), Key: aws.String("frames/cup-final/000000041275.jpg"), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil || string(body) != "newer" || aws.ToString(got.ContentType) != "image/jpeg" || aws.ToString(got.ChecksumCRC32C) != sum("newer") {
		t.Errorf("got %q, %q, %q, %v", body, aws.ToString(got.ContentType), aws.ToString(got.ChecksumCRC32C), err)
	}
	if d := cmp.Diff(map[string]string{"media": "cup-final", "position": "41.275"}, got.Metadata); d != "" {
		t.Errorf("metadata (-want +got):\n%s", d)
	}
	all, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String(b.Name)})
	if err != nil || len(all.Contents) != 2 {
		t.Errorf("%d objects, %v; want the frame and what Check wrote", len(all.Contents), err)
	}
}
