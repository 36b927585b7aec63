package sns_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"spotter/internal/awsfault"
	"spotter/internal/awslocal"
	"spotter/sync/sns"
)

// notification is what a subscriber gets ("Parsing Amazon SNS message formats", Amazon SNS Developer Guide).
type notification struct {
	Type     string
	TopicArn string
	Message  string
}

// TestMoto publishes to topics of moto's server and hears of it as a consumer does.
func TestMoto(t *testing.T) {
	endpoint := awslocal.Moto(t)
	c := client(endpoint)
	for name, attributes := range map[string]map[string]string{"segments": nil, "segments.fifo": {"FifoTopic": "true"}} {
		t.Run(name, func(t *testing.T) {
			made, err := c.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: aws.String(name), Attributes: attributes})
			if err != nil {
				t.Fatal(err)
			}
			p := &sns.Topic{Client: c, ARN: *made.TopicArn, Region: "us-east-1"}
			checkTopic(t, p, "nobody has subscribed")
			if attributes != nil { // web servers cannot subscribe to these
				if err := p.Publish(t.Context(), segment()); err != nil {
					t.Error(err)
				}
				return
			}
			heard := subscribe(t, c, p.ARN)
			if err := p.Publish(t.Context(), segment()); err != nil {
				t.Fatal(err)
			}
			select {
			case got := <-heard:
				if d := cmp.Diff(notification{"Notification", p.ARN, signed}, got); d != "" {
					t.Errorf("notification (-want +got):\n%s", d)
				}
			default: // moto tells subscribers before it answers
				t.Error("the attributes do not pass the subscriber's filter")
			}
		})
	}
	gone := &sns.Topic{Client: c, ARN: plain + "-gone", Region: "us-east-1"}
	if err := gone.Publish(t.Context(), segment()); awsfault.KindOf(err) != awsfault.Denied || !strings.Contains(err.Error(), "create the topic") {
		t.Errorf("without a topic: %v", err)
	}
}

func checkTopic(t *testing.T, p *sns.Topic, says string) {
	t.Helper()
	if found := p.Check(t.Context()); len(found) != 1 || found[0].Err != nil || !strings.HasSuffix(found[0].Detail, says) {
		t.Fatalf("check found %+v, want %q", found, says)
	}
}

// subscribe returns what a web server hears of a topic. It takes messages by their attributes, as consumers may.
func subscribe(t *testing.T, c *sdk.Client, topic string) <-chan notification {
	t.Helper()
	heard := make(chan notification, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n notification
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		if n.Type == "Notification" {
			heard <- n
		}
	}))
	t.Cleanup(server.Close)
	_, err := c.Subscribe(t.Context(), &sdk.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("http"), Endpoint: &server.URL, Attributes: map[string]string{
			"FilterPolicy": `{"media": ["cup-final"], "position": [{"numeric": ["=", -41.275]}], "duration": [{"numeric": ["=", 6.006]}]}`,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return heard
}
