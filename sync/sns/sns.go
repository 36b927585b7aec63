// Package sns owns the message that tells an SNS topic of a new segment, and what its topic needs.
package sns

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"spotter/internal/awsfault"
	"spotter/store"
	"spotter/timeline"
)

const (
	// publishTimeout bounds one Publish with its repeat, so that a dead link does not hold the outbox for minutes.
	publishTimeout = 10 * time.Second
	// publishAttempt bounds one attempt of it: what is live waits for it.
	publishAttempt = 2500 * time.Millisecond
	// maxAttempts is few, for the outbox asks again at its own pace.
	maxAttempts = 2
	// maxMessage is in bytes (Amazon SNS API reference, "Publish").
	maxMessage = 256 << 10
	// fifo ends the names of topics that keep an order.
	fifo = ".fifo"
)

// Client is what Topic needs of the SDK's *sns.Client.
type Client interface {
	Publish(ctx context.Context, in *sns.PublishInput, opts ...func(*sns.Options)) (*sns.PublishOutput, error)
	GetTopicAttributes(ctx context.Context, in *sns.GetTopicAttributesInput, opts ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error)
}

// Topic is an SNS topic that hears of new segments.
type Topic struct {
	Client Client
	// ARN names the topic, such as "arn:aws:sns:us-east-1:123456789012:segments". One that ends in ".fifo" is Ordered.
	ARN string
	// Region is where Client asks; RegionOf says where that has to be.
	Region string
}

// Finding is what Check found out about one thing.
type Finding struct {
	// What was looked at, such as "sns topic".
	What string
	// Err says what is wrong and the mend, nil where nothing is.
	Err error
	// Detail says what is there.
	Detail string
}

// topicName is what the name of a topic may look like (Amazon SNS API reference, "CreateTopic").
var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}(\.fifo)?$`)

// RegionOf returns the region that a topic's ARN names, and the mend where it is no topic's ARN.
func RegionOf(topic string) (string, error) {
	a, err := arn.Parse(topic)
	if err != nil || a.Service != "sns" || a.Region == "" || a.AccountID == "" || !topicName.MatchString(a.Resource) {
		return "", awsfault.New(awsfault.Denied, fmt.Sprintf("%q is not the ARN of a topic", topic),
			"set sync.sns.topic_arn to one such as arn:aws:sns:us-east-1:123456789012:segments")
	}
	return a.Region, nil
}

// Ordered reports whether subscribers hear of the segments of a media in the order in which Publish was called, one call after the
// other.
func (t *Topic) Ordered() bool { return strings.HasSuffix(t.ARN, fifo) }

// Publish tells the topic of a segment: the body is its URL as it is, the attributes are media (String), position and
// duration (Number, in seconds). A FIFO topic passes over a segment that is told again within five minutes; any other
// tells its subscribers twice. Errors are those of awsfault.
func (t *Topic) Publish(ctx context.Context, s *store.Segment) error {
	verb := "publish to " + t.ARN
	if err := t.place(); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	if s.URL == "" || len(s.URL) > maxMessage { // an URL is never in an error: it may hold credentials
		return awsfault.New(awsfault.Refused, fmt.Sprintf("%s: URL of %d bytes of %s at %v: SNS takes 1 to %d", verb, len(s.URL), s.Media, s.From, maxMessage), "")
	}
	in := &sns.PublishInput{
		TopicArn: aws.String(t.ARN),
		Message:  aws.String(s.URL),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"media":    attribute("String", s.Media),
			"position": attribute("Number", s.From.String()),
			"duration": attribute("Number", timeline.FromDuration(s.Duration).String()),
		},
	}
	if t.Ordered() {
		in.MessageGroupId = aws.String(s.Media)
		in.MessageDeduplicationId = aws.String(s.Media + "@" + strconv.FormatInt(int64(s.From), 10))
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	_, err := t.Client.Publish(ctx, in, attempts)
	return t.service().Explain(ctx, verb, err)
}

func attribute(kind, value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String(kind), StringValue: aws.String(value)}
}

// Check looks whether the topic is there for these credentials. It publishes nothing, for consumers would take it for a
// segment.
func (t *Topic) Check(ctx context.Context) []Finding {
	f := Finding{What: "sns topic"}
	if f.Err = t.place(); f.Err != nil {
		return []Finding{f}
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	out, err := t.Client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(t.ARN)}, attempts)
	if err != nil {
		f.Err = t.service().Explain(ctx, "look at topic "+t.ARN, err)
		return []Finding{f}
	}
	f.Detail = t.ARN + ", " + subscribers(out.Attributes["SubscriptionsConfirmed"])
	return []Finding{f}
}

func subscribers(n string) string {
	switch n {
	case "", "0":
		return "nobody has subscribed"
	case "1":
		return "1 subscription"
	}
	return n + " subscriptions"
}

// place finds what SNS would only call an invalid parameter: a bad ARN, or one of another region.
func (t *Topic) place() error {
	region, err := RegionOf(t.ARN)
	if err == nil && region != t.Region {
		return awsfault.New(awsfault.Denied, fmt.Sprintf("topic %s is in region %s, but is looked for in %s", t.ARN, region, t.Region),
			"correct sync.sns.topic_arn or the region")
	}
	return err
}

func (t *Topic) service() *awsfault.Service {
	key := "allow kms:GenerateDataKey and kms:Decrypt on the topic's key to these credentials, and see that the key is enabled"
	missing := "create the topic (spotter cloud-template prints a template for it) or correct sync.sns.topic_arn"
	return &awsfault.Service{
		Name: "SNS", Region: t.Region, Rights: "sns:Publish and sns:GetTopicAttributes on " + t.ARN,
		Mends: map[string]string{
			"NotFound": missing, "ResourceNotFound": missing, "InvalidSecurity": "ask over HTTPS",
			"KMSAccessDenied": key, "KMSDisabled": key, "KMSInvalidState": key, "KMSNotFound": key, "KMSOptInRequired": key,
		},
		Refusals: map[string]bool{"InvalidParameter": true, "InvalidParameterValue": true, "ParameterValueInvalid": true, "ValidationException": true},
	}
}

// attempts makes a call go by few attempts, whatever AWS_MAX_ATTEMPTS says, and by one where SNS wants to be asked more slowly.
func attempts(o *sns.Options) {
	o.APIOptions = append(o.APIOptions, awsfault.Within(publishAttempt))
	o.RetryMaxAttempts, o.Retryer = 0, awsfault.Attempts(maxAttempts)
}
