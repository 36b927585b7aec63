package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"spotter/internal/awsfault"
)

// checkCloudTime bounds what is asked of one service.
const checkCloudTime = 20 * time.Second

// cloud checks credentials, and what the services take with them.
func (r *report) cloud(ctx context.Context, conf *config) {
	sinks, table := conf.sinks(), conf.Timeline.DynamoDB
	if conf.Vision.Rekognition == nil && len(sinks) == 0 && table == nil {
		r.line("aws", "not configured", nil)
		return
	}
	if !r.credentials(ctx, conf) {
		return
	}
	if d := conf.Sync.DynamoDB; d != nil {
		r.table(ctx, d.Table, d.Region, "sync.dynamodb.region")
	}
	if table != nil {
		r.table(ctx, table.Table, table.Region, "timeline.dynamodb.region")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*checkCloudTime)
	defer cancel()
	if a := conf.Sync.SNS.TopicARN; a != "" {
		topic, err := openTopic(ctx, a)
		if err != nil {
			r.line("topic", "", err)
		} else {
			for _, f := range topic.Check(ctx) {
				r.service(f.What, f.Detail, f.Err)
			}
		}
	}
	if b := conf.Sync.S3; b.Bucket != "" {
		bucket, err := openBucket(ctx, b)
		if err != nil {
			r.line("bucket", "", err)
			return
		}
		for _, f := range bucket.Check(ctx) {
			r.service(f.What, f.Detail, f.Err)
		}
	}
}

// table checks a table with its keys and the rights to it.
func (r *report) table(ctx context.Context, name, region, key string) {
	t, err := openTable(ctx, name, region, key)
	if err != nil {
		r.line("table", "", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkCloudTime)
	defer cancel()
	for _, f := range t.Check(ctx) {
		r.service("dynamodb "+f.What, f.Detail, f.Err)
	}
}

// service prints what was found of a service. That it is away has a mend here: somebody looks just now.
func (r *report) service(name, detail string, err error) {
	if err != nil && awsfault.KindOf(err) == awsfault.Away {
		err = fmt.Errorf("%w: check this machine's network, and that AWS_ENDPOINT_URL is right where it is set", err)
	}
	r.line(name, detail, err)
}

// credentials reports whether there are any, and a region for each service that has none of its own.
func (r *report) credentials(ctx context.Context, conf *config) bool {
	ctx, cancel := context.WithTimeout(ctx, checkCloudTime)
	defer cancel()
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err == nil {
		_, err = aws.Credentials.Retrieve(ctx)
	}
	if err != nil {
		err = fmt.Errorf("no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the machine's role: %w", err)
	}
	r.line("aws", "credentials found", err)
	if c := conf.Vision.Rekognition; c != nil {
		r.region("vision.rekognition.region", c.Region, aws.Region)
	}
	if c := conf.Sync.DynamoDB; c != nil {
		r.region("sync.dynamodb.region", c.Region, aws.Region)
	}
	if c := conf.Timeline.DynamoDB; c != nil {
		r.region("timeline.dynamodb.region", c.Region, aws.Region)
	}
	return err == nil
}

// region checks that a key, or the AWS configuration in its place, names a region.
func (r *report) region(key, configured, usual string) {
	region := cmp.Or(configured, usual)
	var err error
	if region == "" {
		err = fmt.Errorf("no AWS region: set %s or AWS_REGION", key)
	}
	r.line("aws region", region, err)
}
