package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"spotter/internal/awslocal"
	"spotter/internal/fakeaws"
	hls "spotter/internal/origin"
)

// amazon is moto with a topic, a subscriber to it, and a bucket.
type amazon struct {
	t        *testing.T
	endpoint string
	topic    string
	s3       *awss3.Client

	mu    sync.Mutex
	heard []announcement
}

// announcement is what a subscriber gets of a segment. Moto leaves the attributes out, which sync/sns tests.
type announcement struct{ Type, Message string }

func newAmazon(t *testing.T) *amazon {
	t.Helper()
	a := &amazon{t: t, endpoint: awslocal.Moto(t)}
	conf := aws.Config{
		Region: awslocal.Region, BaseEndpoint: &a.endpoint, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	}
	a.s3 = awss3.NewFromConfig(conf, func(o *awss3.Options) { o.UsePathStyle = true })
	if _, err := a.s3.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("pictures")}); err != nil {
		t.Fatal(err)
	}
	topics := sns.NewFromConfig(conf)
	made, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("segments")})
	if err != nil {
		t.Fatal(err)
	}
	a.topic = *made.TopicArn
	subscriber := httptest.NewServer(http.HandlerFunc(a.hear))
	t.Cleanup(subscriber.Close)
	_, err = topics.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: &a.topic, Protocol: aws.String("http"), Endpoint: &subscriber.URL})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *amazon) hear(_ http.ResponseWriter, r *http.Request) {
	var n announcement
	if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
		a.t.Error(err)
	}
	if n.Type == "Notification" {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.heard = append(a.heard, n)
	}
}

// announced counts the announcements by what they say.
func (a *amazon) announced() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[string]int{}
	for _, n := range a.heard {
		out[n.Message]++
	}
	return out
}

// pictures are the keys in the bucket.
func (a *amazon) pictures() (keys []string) {
	a.t.Helper()
	list, err := a.s3.ListObjectsV2(a.t.Context(), &awss3.ListObjectsV2Input{Bucket: aws.String("pictures")})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, o := range list.Contents {
		keys = append(keys, *o.Key)
	}
	return keys
}

// fetch reads a picture as Rekognition does.
func (a *amazon) fetch(ctx context.Context, bucket, key string) ([]byte, error) {
	got, err := a.s3.GetObject(ctx, &awss3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	return io.ReadAll(got.Body)
}

// TestSinks has all three sinks, of which one is down: that holds up neither of the others. Rekognition reads from the
// bucket.
func TestSinks(t *testing.T) {
	t.Parallel()
	const n = behind + 4
	moto := newAmazon(t)
	endpoint := awslocal.DynamoDB(t)
	items := newTable(t, endpoint, tableName)
	network := awslocal.Network(t, endpoint)
	network.Cut()
	cloud := &fakeaws.Rekognition{Fetch: moto.fetch}
	rekognition := httptest.NewServer(cloud)
	defer rekognition.Close()
	o := newOrigin(t, n, behind)
	b := start(t, config(newData(t), "media: [{id: cup, url: '"+o.URL+hls.Media+"'}]", often(", read_s3: true"),
		"sync: {dynamodb: , sns: {topic_arn: '"+moto.topic+"'}, s3: {bucket: pictures}}"),
		"AWS_ENDPOINT_URL_REKOGNITION="+rekognition.URL, "AWS_ENDPOINT_URL_DYNAMODB="+network.URL(),
		"AWS_ENDPOINT_URL_SNS="+moto.endpoint, "AWS_ENDPOINT_URL_S3="+moto.endpoint)
	b.analyzed("cup", behind*second)
	o.Publish(4)
	b.analyzed("cup", n*second)
	eventually(t, "each segment is announced once", func() bool { return len(moto.announced()) == n })
	for message, times := range moto.announced() {
		if times != 1 || !strings.HasPrefix(message, o.URL) {
			t.Errorf("%q was announced %d times, want the address of a segment once", message, times)
		}
	}
	eventually(t, "each picture is in the bucket", func() bool { return len(moto.pictures()) == n })
	for i, key := range moto.pictures() {
		if want := fmt.Sprintf("frames/cup/%012d.jpg", i*1000); key != want {
			t.Errorf("picture %d has the key %s, want %s", i, key, want)
		}
	}
	for _, c := range cloud.Calls() {
		if c.Key == "" {
			t.Errorf("%s was sent %d bytes, want it to read from the bucket", c.Operation, len(c.Image))
		}
	}
	var ready struct {
		Checks []struct{ Name, Detail string }
	}
	_, body := b.ask(http.MethodGet, b.admin+"/readyz")
	if err := json.Unmarshal(body, &ready); err != nil {
		t.Fatal(err)
	}
	for _, c := range ready.Checks {
		if c.Name == "sync dynamodb" && !(strings.Contains(c.Detail, "entries wait, the oldest for ") && strings.Contains(c.Detail, "; away since ")) {
			t.Errorf("/readyz says of the table %q", c.Detail)
		}
	}
	if line := b.metric(`spotter_outbox_lag_seconds{sink="dynamodb"} `); line == "" || strings.HasSuffix(line, " 0") {
		t.Errorf("lag: %q", line)
	}
	network.Heal()
	o.End()
	eventually(t, "the table has what the box has", func() bool { return len(items.scenes("cup")) == n })
	b.stop()
}
