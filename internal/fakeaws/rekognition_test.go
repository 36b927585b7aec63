package fakeaws_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"spotter/internal/fakeaws"
)

// signature is the shape of Signature Version 4 (AWS General Reference, "Signing AWS API requests").
func signature(service, headers string) string {
	return "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/" + service + "/aws4_request, SignedHeaders=" + headers +
		", Signature=" + strings.Repeat("a", 64)
}

// TestRefusals covers what no correct client sends; vision/rekognition's tests cover what one does.
func TestRefusals(t *testing.T) {
	const labels = "RekognitionService.DetectLabels"
	const signed = "content-type;host;x-amz-date;x-amz-target"
	notJPEG := `{"Image":{"Bytes":"` + base64.StdEncoding.EncodeToString([]byte("GIF89a")) + `"}}`
	cases := []struct {
		name, target, contentType, authorization, body string
		want                                           string
	}{
		{"unknown operation", "RekognitionService.Dance", "application/x-amz-json-1.1", signature("rekognition", signed), "{}", "UnknownOperationException"},
		{"other service", "DynamoDB.DetectLabels", "application/x-amz-json-1.1", signature("rekognition", signed), "{}", "UnknownOperationException"},
		{"plain JSON", labels, "application/json", signature("rekognition", signed), "{}", "SerializationException"},
		{"unsigned", labels, "application/x-amz-json-1.1", "", "{}", "MissingAuthenticationTokenException"},
		{"signed for another service", labels, "application/x-amz-json-1.1", signature("s3", signed), "{}", "MissingAuthenticationTokenException"},
		{"target not signed", labels, "application/x-amz-json-1.1", signature("rekognition", "host;x-amz-date"), "{}", "MissingAuthenticationTokenException"},
		{"not base64", labels, "application/x-amz-json-1.1", signature("rekognition", signed), `{"Image":{"Bytes":"%%"}}`, "SerializationException"},
		{"bytes and object", labels, "application/x-amz-json-1.1", signature("rekognition", signed), `{"Image":{"Bytes":"AAAA","S3Object":{"Bucket":"b","Name":"n"}}}`, "InvalidParameterException"},
		{"object without a bucket to read", labels, "application/x-amz-json-1.1", signature("rekognition", signed), `{"Image":{"S3Object":{"Bucket":"b","Name":"n"}}}`, "InvalidS3ObjectException"},
		{"not JPEG", labels, "application/x-amz-json-1.1", signature("rekognition", signed), notJPEG, "InvalidImageFormatException"},
	}
	server := httptest.NewServer(new(fakeaws.Rekognition))
	defer server.Close()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Amz-Target", c.target)
			r.Header.Set("X-Amz-Date", "20261123T140000Z")
			r.Header.Set("Content-Type", c.contentType)
			r.Header.Set("Authorization", c.authorization)
			answer, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Type string `json:"__type"`
			}
			if err := json.Unmarshal(body, &got); err != nil || got.Type != c.want || answer.StatusCode/100 != 4 {
				t.Errorf("status %d, %s, %v; want %s", answer.StatusCode, body, err, c.want)
			}
		})
	}
}
