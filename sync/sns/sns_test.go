package sns_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"spotter/internal/awsfault"
	"spotter/store"
	"spotter/sync/sns"
)

const (
	plain  = "arn:aws:sns:us-east-1:123456789012:segments"
	queued = plain + ".fifo"
	// signed is a URL with what nobody may read in a log.
	signed = "https://user:secret@origin.example/cup/1.ts?Signature=secret"
)

// fake answers SNS's query protocol: the next of its errors, else yes.
type fake struct {
	mu     sync.Mutex
	fail   []string // codes
	asked  []url.Values
	hangup bool
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		panic(err)
	}
	f.asked = append(f.asked, r.PostForm)
	if f.hangup {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/xml")
	if len(f.fail) > 0 {
		code := f.fail[0]
		f.fail = f.fail[1:]
		status := http.StatusBadRequest
		if code == "InternalError" {
			status = http.StatusInternalServerError
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, "<ErrorResponse><Error><Code>%s</Code><Message>repeats %s</Message></Error><RequestId>1</RequestId></ErrorResponse>", code, signed)
		return
	}
	if r.PostForm.Get("Action") == "Publish" {
		fmt.Fprint(w, "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>")
		return
	}
	fmt.Fprint(w, "<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes><entry><key>SubscriptionsConfirmed</key><value>2</value>"+
		"</entry></Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>")
}

func (f *fake) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked)
}

func topic(t *testing.T, f http.Handler, arn string) *sns.Topic {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return &sns.Topic{ARN: arn, Region: "us-east-1", Client: client(server.URL)}
}

func client(endpoint string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}),
	})
}

func segment() *store.Segment {
	return &store.Segment{Media: "cup-final", URL: signed, From: -41_275, Duration: 6*time.Second + 6*time.Millisecond + 7*time.Microsecond}
}

func TestPublish(t *testing.T) {
	want := url.Values{
		"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {plain}, "Message": {signed},
		"MessageAttributes.entry.1.Name": {"duration"}, "MessageAttributes.entry.1.Value.DataType": {"Number"},
		"MessageAttributes.entry.1.Value.StringValue": {"6.006"},
		"MessageAttributes.entry.2.Name":              {"media"}, "MessageAttributes.entry.2.Value.DataType": {"String"},
		"MessageAttributes.entry.2.Value.StringValue": {"cup-final"},
		"MessageAttributes.entry.3.Name":              {"position"}, "MessageAttributes.entry.3.Value.DataType": {"Number"},
		"MessageAttributes.entry.3.Value.StringValue": {"-41.275"},
	}
	for _, c := range []struct{ name, arn, group, id string }{
		{"standard", plain, "", ""},
		{"fifo", queued, "cup-final", "cup-final@-41275"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := new(fake)
			if err := topic(t, f, c.arn).Publish(t.Context(), segment()); err != nil {
				t.Fatal(err)
			}
			want.Set("TopicArn", c.arn)
			if c.group != "" {
				want.Set("MessageGroupId", c.group)
				want.Set("MessageDeduplicationId", c.id)
			}
			if len(f.asked) != 1 {
				t.Fatalf("%d calls, want 1", len(f.asked))
			}
			if d := cmp.Diff(want, byName(f.asked[0])); d != "" {
				t.Errorf("message (-want +got):\n%s", d)
			}
		})
	}
}

// byName returns a form with the attributes of a message in the order of their names: the SDK has them in any.
func byName(form url.Values) url.Values {
	const entry = "MessageAttributes.entry."
	number := map[string]string{"duration": "1", "media": "2", "position": "3"}
	out := url.Values{}
	for k, v := range form {
		if rest, ok := strings.CutPrefix(k, entry); ok {
			n, field, _ := strings.Cut(rest, ".")
			k = entry + number[form.Get(entry+n+".Name")] + "." + field
		}
		out[k] = v
	}
	return out
}

func TestFaults(t *testing.T) {
	none := func(*sns.Topic, *store.Segment) {}
	cases := []struct {
		name  string
		fake  fake
		with  func(*sns.Topic, *store.Segment)
		calls int
		kind  awsfault.Kind
		says  string // "" for success
	}{
		{"passing fault", fake{fail: []string{"InternalError"}}, none, 2, 0, ""},
		{"lasting fault", fake{fail: []string{"InternalError", "InternalError", "InternalError"}}, none, 2, awsfault.Away, "status 500"},
		{"away", fake{hangup: true}, none, 2, awsfault.Away, "EOF"},
		{"throttled", fake{fail: []string{"Throttling"}}, none, 1, awsfault.Throttled, "SNS answered Throttling"},
		{"refused", fake{fail: []string{"InvalidParameter"}}, none, 1, awsfault.Refused, "InvalidParameter"},
		{"no topic", fake{fail: []string{"NotFound"}}, none, 1, awsfault.Denied, "create the topic"},
		{"no right", fake{fail: []string{"AuthorizationError"}}, none, 1, awsfault.Denied, "allow sns:Publish and sns:GetTopicAttributes on " + plain},
		{"no right to the key", fake{fail: []string{"KMSAccessDenied"}}, none, 1, awsfault.Denied, "kms:GenerateDataKey"},
		{"no URL", fake{}, func(_ *sns.Topic, s *store.Segment) { s.URL = "" }, 0, awsfault.Refused, "0 bytes"},
		{"long URL", fake{}, func(_ *sns.Topic, s *store.Segment) { s.URL += strings.Repeat("x", 256<<10) }, 0, awsfault.Refused, "262144"},
		{"no ARN", fake{}, func(p *sns.Topic, _ *store.Segment) { p.ARN = "segments" }, 0, awsfault.Denied, "arn:aws:sns:us-east-1:123456789012:segments"},
		{"other region", fake{}, func(p *sns.Topic, _ *store.Segment) { p.Region = "eu-west-1" }, 0, awsfault.Denied, "looked for in eu-west-1"},
	}
	for i := range cases {
		c := &cases[i]
		t.Run(c.name, func(t *testing.T) {
			p, s := topic(t, &c.fake, plain), segment()
			c.with(p, s)
			err := p.Publish(t.Context(), s)
			if (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), c.says) || awsfault.KindOf(err) != c.kind) {
				t.Errorf("error %v of kind %v, want %q of kind %v", err, awsfault.KindOf(err), c.says, c.kind)
			}
			if err != nil && strings.Contains(fmt.Sprintf("%v %+v", err, err), "secret") {
				t.Errorf("error %v tells the URL", err)
			}
			if n := c.fake.calls(); n != c.calls {
				t.Errorf("%d calls, want %d", n, c.calls)
			}
		})
	}
}

func TestPublishEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := topic(t, new(fake), plain).Publish(ctx, segment()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestCheck(t *testing.T) {
	cases := []struct {
		name, arn, region string
		fail              []string
		detail, says      string
	}{
		{"well", plain, "us-east-1", nil, plain + ", 2 subscriptions", ""},
		{"missing", plain, "us-east-1", []string{"NotFound"}, "", "create the topic"},
		{"denied", plain, "us-east-1", []string{"AuthorizationError"}, "", "allow sns:Publish"},
		{"other region", plain, "eu-west-1", nil, "", "is in region us-east-1, but is looked for in eu-west-1"},
		{"no ARN", "segments", "us-east-1", nil, "", "is not the ARN of a topic"},
		{"a queue's ARN", "arn:aws:sqs:us-east-1:123456789012:segments", "us-east-1", nil, "", "is not the ARN of a topic"},
		{"a subscription's ARN", plain + ":1-2-3", "us-east-1", nil, "", "is not the ARN of a topic"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := topic(t, &fake{fail: c.fail}, c.arn)
			p.Region = c.region
			found := p.Check(t.Context())
			if len(found) != 1 || found[0].What != "sns topic" {
				t.Fatalf("found %+v", found)
			}
			f := found[0]
			if f.Detail != c.detail || (f.Err == nil) != (c.says == "") || f.Err != nil && !strings.Contains(f.Err.Error(), c.says) {
				t.Errorf("found %q, %v; want %q, %q", f.Detail, f.Err, c.detail, c.says)
			}
		})
	}
}
