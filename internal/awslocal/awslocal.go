// Package awslocal owns the stand-ins for Amazon's services that tests talk to: Amazon's own DynamoDB Local, and moto's
// server for everything else. Each is a process on a free port of 127.0.0.1 that ends with the test that started it.
package awslocal

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Region is the one that Env sets and Table's client asks. DynamoDB Local has the same tables in all of them.
const Region = "us-east-1"

// Credentials that the stand-ins take; they check none. DynamoDB Local wants letters and digits.
const accessKey, secretKey = "test", "test"

// DynamoDB starts Amazon's DynamoDB Local with nothing in it and returns its endpoint. That takes a second of processor
// time and 130 MB, so cases of one test share one and have a table each. It skips the test where it is not installed.
func DynamoDB(t testing.TB) string {
	t.Helper()
	dir := installed(t, "dynamodb-local")
	// A short life: the first compiler and the plain collector have it ready in two thirds of the time.
	return start(t, "DynamoDB Local", func(port string) []string {
		return []string{
			"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m", "-Djava.library.path=" + dir, "-cp", filepath.Join(dir, "*"),
			"com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-inMemory", "-sharedDb", "-disableTelemetry", "-port", port,
		}
	})
}

// Moto starts moto's server, which plays SNS, SQS, S3, DynamoDB, CloudFormation, IAM and more, with nothing in it and
// returns its endpoint. It skips the test where it is not installed.
func Moto(t testing.TB) string {
	t.Helper()
	python := Python(t)
	return start(t, "moto", func(port string) []string {
		return []string{python, "-m", "moto.server", "-H", "127.0.0.1", "-p", port}
	})
}

// Python returns the path of a Python that has boto3, moto and cfn-lint (`python -m cfnlint`). It skips the test where
// there is none.
func Python(t testing.TB) string {
	t.Helper()
	return filepath.Join(installed(t, "cloud-python"), "bin", "python")
}

// Script returns the path of a file in the repository's scripts folder.
func Script(t testing.TB, elem ...string) string {
	t.Helper()
	return filepath.Join(append([]string{repository(t), "scripts"}, elem...)...)
}

// Environ is what a process needs in its environment, as "NAME=value", to ask for all of AWS at an endpoint.
func Environ(endpoint string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_REGION=" + Region, "AWS_DEFAULT_REGION=" + Region,
		"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_SESSION_TOKEN=",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
	}
}

// Env gives this process Environ, and no profile, until the test ends. Parallel tests cannot have it: they give Environ to processes of
// their own, or make their clients themselves.
func Env(t testing.TB, endpoint string) {
	t.Helper()
	for _, pair := range Environ(endpoint) {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	t.Setenv("AWS_PROFILE", "") // which keeps the old one for afterwards
	if err := os.Unsetenv("AWS_PROFILE"); err != nil {
		t.Fatal(err)
	}
}

// Client returns a client that asks for DynamoDB at an endpoint, and takes no word from the environment.
func Client(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       Region,
		BaseEndpoint: aws.String(endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}, nil
		}),
	})
}

// Table creates a table with the keys of Spotter's items, paid by request, and returns a client for it.
func Table(t testing.TB, endpoint, name string) *dynamodb.Client {
	t.Helper()
	client := Client(endpoint)
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:   aws.String(name),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("media_id"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("media_time_position"), KeyType: types.KeyTypeRange},
		},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("media_id"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("media_time_position"), AttributeType: types.ScalarAttributeTypeN},
		},
	})
	if err != nil {
		t.Fatalf("create table %s: %v", name, err)
	}
	return client
}

// installed returns the folder that scripts/setup-cloud filled, or skips the test where it did not.
func installed(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(repository(t), ".build", name)
	if _, err := os.Stat(filepath.Join(dir, "ready")); err != nil {
		t.Skipf("no .build/%s: run make setup-cloud", name)
	}
	return dir
}

// repository returns the folder of the go.mod above the test.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
