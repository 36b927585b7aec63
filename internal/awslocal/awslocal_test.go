package awslocal_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"spotter/internal/awslocal"
)

// TestNetwork has DynamoDB take an item and not say so, and then be away.
func TestNetwork(t *testing.T) {
	t.Parallel()
	endpoint := awslocal.DynamoDB(t)
	near := awslocal.Table(t, endpoint, "observations")
	network := awslocal.Network(t, endpoint)
	far := awslocal.Client(network.URL())
	put := func(position string) error {
		_, err := far.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("observations"), Item: map[string]types.AttributeValue{
			"media_id":            &types.AttributeValueMemberS{Value: "cup"},
			"media_time_position": &types.AttributeValueMemberN{Value: position},
		}}, func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
		return err
	}
	expect := func(when string, want int32) {
		t.Helper()
		out, err := near.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("observations")})
		if err != nil {
			t.Fatal(err)
		}
		if out.Count != want {
			t.Errorf("%s: %d items, want %d", when, out.Count, want)
		}
	}
	network.BlackHole(time.Second)
	if err := put("1"); err == nil {
		t.Error("an answer through a black hole")
	}
	expect("black hole", 1)
	network.Heal()
	network.Cut()
	if err := put("2"); err == nil {
		t.Error("an answer over a cut line")
	}
	expect("cut", 1)
	network.Heal()
	if err := put("3"); err != nil {
		t.Error(err)
	}
	expect("healed", 2)
}

// TestMoto asks moto as another program would, by the environment.
func TestMoto(t *testing.T) {
	t.Parallel()
	endpoint := awslocal.Moto(t)
	const script = `
import boto3
topic = boto3.client("sns").create_topic(Name="segments")["TopicArn"]
queue = boto3.client("sqs").create_queue(QueueName="segments")["QueueUrl"]
boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:segments")
boto3.client("sns").publish(TopicArn=topic, Message="hello")
print(boto3.client("sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"])
boto3.client("s3").create_bucket(Bucket="frames")
boto3.client("cloudformation").list_stacks()
boto3.client("iam").list_roles()
boto3.client("dynamodb").list_tables()
`
	cmd := exec.Command(awslocal.Python(t), "-c", script)
	cmd.Env = append(os.Environ(), awslocal.Environ(endpoint)...)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"Message": "hello"`) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestEnv(t *testing.T) {
	t.Setenv("AWS_PROFILE", "somebody")
	t.Run("within", func(t *testing.T) {
		awslocal.Env(t, "http://127.0.0.1:1")
		if got := os.Getenv("AWS_ENDPOINT_URL"); got != "http://127.0.0.1:1" {
			t.Errorf("AWS_ENDPOINT_URL is %q", got)
		}
		if got, set := os.LookupEnv("AWS_PROFILE"); set {
			t.Errorf("AWS_PROFILE is %q", got)
		}
	})
	if got := os.Getenv("AWS_PROFILE"); got != "somebody" {
		t.Errorf("AWS_PROFILE is %q afterwards", got)
	}
}

// webServer returns the command line of a server that every machine has, or skips the test.
func webServer(t *testing.T) func(port string) []string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	return func(port string) []string { return []string{python, "-m", "http.server", "--bind", "127.0.0.1", port} }
}

func TestServerEndsWithTest(t *testing.T) {
	t.Parallel()
	server := webServer(t)
	var endpoint string
	t.Run("start", func(t *testing.T) {
		endpoint = awslocal.Start(t, "web server", server)
		if !answers(endpoint) {
			t.Error("no answer")
		}
	})
	if answers(endpoint) {
		t.Error("the server outlives its test")
	}
}

func answers(endpoint string) bool {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(endpoint)
	if err != nil {
		return false
	}
	_ = answer.Body.Close() // it has answered
	return true
}

// TestServerEndsWithBinary kills a process of this test binary that has a server.
func TestServerEndsWithBinary(t *testing.T) {
	const child, word = "AWSLOCAL_TEST_CHILD", "endpoint "
	server := webServer(t)
	if os.Getenv(child) != "" {
		fmt.Println(word + awslocal.Start(t, "web server", server))
		select {} // until killed
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithBinary$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), child+"=1")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	endpoint, said := strings.CutPrefix(strings.TrimSpace(line), word)
	if err != nil || !said {
		t.Errorf("%v after %q", err, line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()                                                     // it was killed
	for late := time.Now().Add(10 * time.Second); answers(endpoint); { // the kernel kills the server a moment later
		if time.Now().After(late) {
			t.Fatal("the server outlives its test binary")
		}
	}
}

func TestServeFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		command  []string
		want     string
		attempts int
		stopped  bool // the test has ended
	}{
		"no such program":  {[]string{"/nowhere/at-all"}, "no such file", 1, false},
		"one that ends":    {[]string{"sh", "-c", "echo the port is taken >&2"}, "ended before it answered\nthe port is taken", 3, false},
		"one that is mute": {[]string{"sleep", "60"}, "context canceled", 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			output, ports := filepath.Join(t.TempDir(), "output"), 0
			if tc.stopped {
				cancel()
			}
			err := awslocal.Serve(ctx, output, func(string) []string {
				ports++
				return tc.command
			})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if ports != tc.attempts {
				t.Errorf("%d attempts, want %d", ports, tc.attempts)
			}
		})
	}
}
