package main

import (
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"spotter/capture"
)

var (
	// tableName, bucketName and pairName are what DynamoDB, S3 and keys in a table allow ("Naming rules" of their developer guides).
	tableName  = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	pairName   = mediaID
)

// leastOutbox is room for a few pictures and days of everything else.
const leastOutbox = 16 << 20

func (c *config) checkSync(f *faults) {
	s := &c.Sync
	if d := s.DynamoDB; d != nil {
		checkTable(f, d.Table, "sync", "dynamodb", "table")
		if d.TTL != 0 && d.TTL < time.Hour {
			f.add(fmt.Sprintf("%s is neither 0, which lets nothing expire, nor 1h at least", d.TTL), "sync", "dynamodb", "ttl")
		}
		c.checkPair(f)
	}
	if a := s.SNS.TopicARN; a != "" {
		if topic, err := arn.Parse(a); err != nil || topic.Service != "sns" || topic.Region == "" || topic.Resource == "" {
			f.add(fmt.Sprintf("%q is not a topic's ARN, such as arn:aws:sns:us-east-1:123456789012:segments", a), "sync", "sns", "topic_arn")
		}
	}
	if b := s.S3.Bucket; b != "" && !bucketName.MatchString(b) {
		f.add(fmt.Sprintf("%q is not the name of a bucket", b), "sync", "s3", "bucket")
	}
	if r := c.Vision.Rekognition; r != nil && r.ReadS3 && s.S3.Bucket == "" {
		f.add("needs a bucket: name sync.s3.bucket", "vision", "rekognition", "read_s3")
	}
	if n := parseBytes(s.Outbox); n < leastOutbox {
		f.add(fmt.Sprintf("%q is not a size such as 1GiB, of 16MiB at least", s.Outbox), "sync", "outbox")
	}
}

// checkPair wants what two boxes need to write the same keys.
func (c *config) checkPair(f *faults) {
	pair := c.Sync.DynamoDB.Pair
	if pair == "" {
		return
	}
	if !pairName.MatchString(pair) {
		f.add(fmt.Sprintf("%q: use letters, digits, dots, dashes and underscores, 64 at most", pair), "sync", "dynamodb", "pair")
	}
	for i, m := range c.Media {
		if z, err := capture.ParseZero(m.Zero); err == nil && (z == capture.ZeroFirst || z == capture.ZeroPTS) {
			f.add(fmt.Sprintf("two boxes agree on positions only from an instant: with sync.dynamodb.pair, %q does not serve; say when position 0 is, such as 2026-11-23T14:00:00Z", m.Zero),
				"media", i, "zero")
		}
	}
}

// leastThumbnails is room for an hour of pictures.
const leastThumbnails = 8 << 20

func (c *config) checkTimeline(f *faults) {
	if n := parseBytes(c.Timeline.Thumbnails); n < 0 || n > 0 && n < leastThumbnails {
		f.add(fmt.Sprintf("%q is not a size such as 256MiB, of 8MiB at least, or 0", c.Timeline.Thumbnails), "timeline", "thumbnails")
	}
	t := c.Timeline.DynamoDB
	if t == nil {
		return
	}
	checkTable(f, t.Table, "timeline", "dynamodb", "table")
	if len(c.Media) > 0 {
		f.add("look-ups that read a table are for a box without media: remove one of both", "timeline")
	}
}

func checkTable(f *faults, name string, path ...any) {
	if name == "" {
		f.add("name the table", path...)
	} else if !tableName.MatchString(name) {
		f.add(fmt.Sprintf("%q is not the name of a table", name), path...)
	}
}
