package main_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	main "spotter/cmd/spotter"
	"spotter/internal/awslocal"
)

var updateTemplates = flag.Bool("update-templates", false, "write the golden cloud templates")

// cloudConfigs are configurations, by the name of the golden template that is printed for each.
var cloudConfigs = map[string]string{
	"all": "", // no file
	"named": `
vision: {rekognition: {region: eu-west-1, read_s3: true}}
sync:
  dynamodb: {table: seen, region: eu-west-1, ttl: 720h, pair: cup}
  sns: {topic_arn: "arn:aws:sns:eu-west-1:123456789012:cup-segments.fifo"}
  s3: {bucket: cup-pictures, prefix: "live/${cup}?/"}`,
	"recognition": "vision: {rekognition: {region: us-east-1}}",
	"table":       "sync: {dynamodb: }\nvision: {mode: local-only, rekognition: {region: us-west-2}}",
	"lookups":     "timeline: {dynamodb: {table: seen, region: eu-west-1}}",
	"frames":      "sync: {s3: {bucket: pictures, prefix: \"\"}}",
}

// printed returns the template of one of cloudConfigs.
func printed(t *testing.T, name string) string {
	t.Helper()
	path := ""
	if text := cloudConfigs[name]; text != "" {
		path = filepath.Join(t.TempDir(), "spotter.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := main.CloudTemplate(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCloudTemplate(t *testing.T) {
	t.Setenv("SPOTTER_CONFIG", "")
	for name := range cloudConfigs {
		t.Run(name, func(t *testing.T) {
			got, golden := printed(t, name), filepath.Join("testdata", "cloud_template", name+".yaml")
			if *updateTemplates {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("template (-want +got):\n%s", d)
			}
		})
	}
}

func TestCloudTemplateRefuses(t *testing.T) {
	t.Setenv("SPOTTER_CONFIG", "")
	for name, c := range map[string]struct{ config, says string }{
		"nothing of AWS": {"retention: {age: 24h}", "nothing of AWS is configured"},
		"two regions": {
			"sync: {dynamodb: {region: eu-west-1}, sns: {topic_arn: \"arn:aws:sns:us-east-1:123456789012:segments\"}}",
			"sync.dynamodb.region: eu-west-1, sync.sns.topic_arn: us-east-1",
		},
		"a bucket that Rekognition cannot read": {
			"vision: {rekognition: {region: us-east-1, read_s3: true}}\nsync: {s3: {bucket: pictures, region: eu-west-1}}",
			"sync.s3.region: eu-west-1, vision.rekognition.region: us-east-1",
		},
		"a fault": {"sink: {}", "unknown key"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spotter.yaml")
			if err := os.WriteFile(path, []byte(c.config), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := main.CloudTemplate(t.Context(), path); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
}

// TestCloudTemplateLint has cfn-lint read every golden template.
func TestCloudTemplateLint(t *testing.T) {
	lint := filepath.Join(filepath.Dir(awslocal.Python(t)), "cfn-lint")
	args := []string{"--non-zero-exit-code", "informational", "--include-checks", "I", "--template"}
	for name := range cloudConfigs {
		args = append(args, filepath.Join("testdata", "cloud_template", name+".yaml"))
	}
	if out, err := exec.CommandContext(t.Context(), lint, args...).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}

// TestCloudTemplateMakes has moto make what the templates say, as far as it can: it knows of no expiry, public access or policy
// of a bucket.
func TestCloudTemplateMakes(t *testing.T) {
	t.Setenv("SPOTTER_CONFIG", "")
	endpoint := awslocal.Moto(t)
	for _, c := range []struct{ name, table, topic, bucket, fifo string }{
		{"all", "celebrity_object_in_media_stream", "spotter-segments", "spotter-frames-123456789012-us-east-1", ""},
		{"named", "seen", "cup-segments.fifo", "cup-pictures", "true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			template := printed(t, c.name)
			cloud(t, endpoint, "cloudformation", url.Values{
				"Action": {"CreateStack"}, "Version": {"2010-05-15"}, "StackName": {c.name}, "TemplateBody": {template},
				"Capabilities.member.1": {"CAPABILITY_IAM"},
			})
			wantStack(t, endpoint, c.name)
			wantTable(t, endpoint, c.table)
			wantTopic(t, endpoint, c.topic, c.fifo)
			wantBucket(t, endpoint, c.bucket)
		})
	}
}

func wantStack(t *testing.T, endpoint, name string) {
	t.Helper()
	stack := cloud(t, endpoint, "cloudformation", url.Values{"Action": {"DescribeStacks"}, "Version": {"2010-05-15"}, "StackName": {name}})
	for _, says := range []string{"CREATE_COMPLETE", "<OutputKey>PolicyArn</OutputKey>", ":policy/"} {
		if !strings.Contains(stack, says) {
			t.Errorf("the stack does not say %q:\n%s", says, stack)
		}
	}
}

func wantTable(t *testing.T, endpoint, name string) {
	t.Helper()
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: anyone})
	table, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	want := []types.KeySchemaElement{
		{AttributeName: aws.String("media_id"), KeyType: types.KeyTypeHash},
		{AttributeName: aws.String("media_time_position"), KeyType: types.KeyTypeRange},
	}
	if d := cmp.Diff(want, table.Table.KeySchema, cmpopts.IgnoreUnexported(types.KeySchemaElement{})); d != "" {
		t.Errorf("keys (-want +got):\n%s", d)
	}
	if b := table.Table.BillingModeSummary; b == nil || b.BillingMode != types.BillingModePayPerRequest {
		t.Errorf("billing %+v", b)
	}
	for _, a := range table.Table.AttributeDefinitions {
		if number := *a.AttributeName == "media_time_position"; number != (a.AttributeType == types.ScalarAttributeTypeN) {
			t.Errorf("%s is of type %s", *a.AttributeName, a.AttributeType)
		}
	}
}

func wantTopic(t *testing.T, endpoint, name, fifo string) {
	t.Helper()
	client := sns.New(sns.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: anyone})
	topic, err := client.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String("arn:aws:sns:us-east-1:123456789012:" + name)})
	if err != nil || topic.Attributes["FifoTopic"] != fifo {
		t.Errorf("topic %+v, %v", topic, err)
	}
}

func wantBucket(t *testing.T, endpoint, name string) {
	t.Helper()
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: anyone, UsePathStyle: true})
	secret, err := client.GetBucketEncryption(t.Context(), &s3.GetBucketEncryptionInput{Bucket: &name})
	if err != nil || len(secret.ServerSideEncryptionConfiguration.Rules) != 1 {
		t.Errorf("encryption %+v, %v", secret, err)
	}
}

// anyone is whom moto takes for the owner of account 123456789012.
var anyone = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
})

// cloud makes a call of a service that speaks the query protocol, and returns its answer.
func cloud(t *testing.T, endpoint, service string, form url.Values) string {
	t.Helper()
	body := form.Encode()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256([]byte(body))
	who, _ := anyone.Retrieve(t.Context())
	if err := v4.NewSigner().SignHTTP(t.Context(), who, r, hex.EncodeToString(sum[:]), service, "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v\n%s", form.Get("Action"), answer.StatusCode, err, text)
	}
	return string(text)
}
