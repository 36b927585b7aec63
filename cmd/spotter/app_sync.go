package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go/logging"

	"spotter/httpapi"
	"spotter/internal/awsfault"
	"spotter/store"
	"spotter/sync/dynamodb"
	"spotter/sync/outbox"
	"spotter/sync/s3"
	"spotter/sync/sns"
	"spotter/timeline"
	"spotter/vision"
)

// The sinks, as the outbox and the metrics name them, and how many calls each may have under way.
const (
	dynamoDBSink, dynamoDBWorkers = "dynamodb", 16
	snsSink, snsWorkers           = "sns", 4
	s3Sink, s3Workers             = "s3", 4
)

// flushTime is how long, at the end, the sinks may still take what waits for them.
const flushTime = 5 * time.Second

// sinks are those that the configuration asks for; never nil, for a store that the box runs on.
func (c *config) sinks() []store.Sink {
	list := []store.Sink{}
	if c.Sync.DynamoDB != nil {
		list = append(list, store.Sink{Name: dynamoDBSink, Kind: store.Observations})
	}
	if c.Sync.SNS.TopicARN != "" {
		list = append(list, store.Sink{Name: snsSink, Kind: store.Segments})
	}
	if c.Sync.S3.Bucket != "" {
		list = append(list, store.Sink{Name: s3Sink, Kind: store.Frames})
	}
	return list
}

// cloudCopy is what the cloud is told of what the box knows. A part that is not configured is nil.
type cloudCopy struct {
	store    *store.Store
	space    *space
	log      *slog.Logger
	meters   *meters
	table    *dynamodb.Table
	pair     *pair
	topic    *sns.Topic
	bucket   *s3.Bucket
	drainers []*outbox.Drainer
	uploads  uploads
	states   *states // nil without a table
}

// openCloudCopy opens the sinks. Nothing is asked of the cloud before they run.
func openCloudCopy(ctx context.Context, c *config, s *store.Store, room *space, m *meters, log *slog.Logger) (cc *cloudCopy, err error) {
	cc = &cloudCopy{store: s, space: room, log: log, meters: m}
	if d := c.Sync.DynamoDB; d != nil {
		if cc.table, err = openTable(ctx, d.Table, d.Region, "sync.dynamodb.region"); err != nil {
			return nil, err
		}
		cc.table.TTL = d.TTL
		cc.openTableSink(d.Pair, c.longestScene())
	}
	if a := c.Sync.SNS.TopicARN; a != "" {
		if cc.topic, err = openTopic(ctx, a); err != nil {
			return nil, err
		}
		workers := snsWorkers
		if cc.topic.Ordered() {
			workers = 1
		}
		cc.drain(snsSink, workers, cc.alone(), func(ctx context.Context, e store.Entry) error { return cc.topic.Publish(ctx, e.Segment) })
	}
	if b := c.Sync.S3; b.Bucket != "" {
		if cc.bucket, err = openBucket(ctx, b); err != nil {
			return nil, err
		}
		cc.drain(s3Sink, s3Workers, cc.alone(), func(ctx context.Context, e store.Entry) error {
			if cc.uploads.take(place{e.Frame.Media, e.Frame.At}) {
				return nil
			}
			return cc.bucket.Put(ctx, e.Frame.Media, e.Frame.At, e.Frame.JPEG)
		})
	}
	return cc, nil
}

// openTableSink drains into the table, of which a pair of boxes has one writer at a time.
func (cc *cloudCopy) openTableSink(name string, longest timeline.Position) {
	put := cc.table.Put
	if name != "" {
		cc.table.Twin = true
		lease := &dynamodb.Lease{Table: cc.table, Media: name, Owner: boxName(), Logger: cc.log}
		cc.pair = &pair{lease: lease, table: cc.table, longest: longest, log: cc.log}
		put = cc.pair.put
	}
	cc.drain(dynamoDBSink, dynamoDBWorkers, cc.alone(), func(ctx context.Context, e store.Entry) error { return put(ctx, e.Observation) })
	if cc.pair != nil {
		cc.pair.wake = cc.wake
		cc.pair.stand = cc.leaveToTwin
	}
}

// wake has the sinks look again whether they are to be told.
func (cc *cloudCopy) wake() {
	for _, d := range cc.drainers {
		d.Wake()
	}
}

// alone returns when a sink is to be told: while the outbox can be cleared, and of a pair of boxes, when this is the one that pays.
func (cc *cloudCopy) alone() func() bool {
	if cc.pair == nil {
		return cc.space.mayTell(nil)
	}
	return cc.space.mayTell(cc.pair.lease.Held)
}

// boxName names this run of this box.
func boxName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "box"
	}
	return host + "/" + rand.Text()
}

func (cc *cloudCopy) drain(sink string, workers int, ready func() bool, put func(context.Context, store.Entry) error) *outbox.Drainer {
	d := &outbox.Drainer{
		Sink: sink, Store: cc.store, Put: put, Workers: workers, Ready: ready, Logger: cc.log,
		OnFault: func(err error) { cc.meters.sinkFault(sink, awsfault.KindOf(err)) },
	}
	cc.drainers = append(cc.drainers, d)
	cc.meters.sink(sink, cc.store, d)
	return d
}

// run drains until ctx is done, and then until all is told or the deadline has come. Then the table learns how the media are
// doing at the end, and the lease is given back last.
func (cc *cloudCopy) run(ctx context.Context) error {
	own, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	failed := make(chan error, len(cc.drainers)+1)
	var lease, sinks sync.WaitGroup
	if cc.pair != nil {
		lease.Go(func() {
			err := cc.pair.run(own)
			if err != nil {
				cc.log.Error("this box does not pay for the cloud until it is started again", "error", err)
			}
			failed <- err
		})
	}
	for _, d := range cc.drainers {
		sinks.Go(func() { failed <- cc.empty(ctx, d) })
	}
	if cc.states != nil {
		sinks.Go(func() { cc.states.run(ctx) })
	}
	sinks.Wait()
	if cc.states != nil {
		cc.states.last(own)
	}
	end()
	lease.Wait()
	close(failed)
	var all []error
	for err := range failed {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// storeRest is how long a sink waits after the store has failed, such as for a full disk.
const storeRest = 10 * time.Second

// drainOn runs one drainer until ctx is done, and through faults of the store.
func (cc *cloudCopy) drainOn(ctx context.Context, d *outbox.Drainer) {
	said := ""
	for {
		err := d.Run(ctx)
		if err == nil {
			return
		}
		cc.meters.sinkFaults.WithLabelValues(d.Sink, faultStore).Inc()
		if said != err.Error() {
			said = err.Error()
			cc.log.Error("the outbox cannot be read or cleared, and is tried again", "sink", d.Sink, "error", err)
		}
		sleep(ctx, storeRest)
	}
}

// empty runs one drainer, and at the end gives it flushTime to empty its outbox.
func (cc *cloudCopy) empty(ctx context.Context, d *outbox.Drainer) error {
	cc.drainOn(ctx, d)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	err := d.Flush(last)
	if n := cc.store.Backlog(d.Sink).Entries; n > 0 && err == nil {
		cc.log.Warn("the outbox keeps what its sink did not take until the next start", "sink", d.Sink, "entries", n)
	}
	return err
}

// ready are the sinks' lines of /readyz. The box serves viewers whether the cloud takes anything or not.
func (cc *cloudCopy) ready() (out []httpapi.Check) {
	for _, d := range cc.drainers {
		out = append(out, httpapi.Check{Name: "sync " + d.Sink, OK: true, Detail: backlog(cc.store.Backlog(d.Sink), d.State())})
	}
	if cc.pair != nil {
		detail := "the other box of the pair pays for the cloud"
		if cc.pair.lease.Held() {
			detail = "this box of the pair pays for the cloud"
		}
		out = append(out, httpapi.Check{Name: "pair", OK: true, Detail: detail})
	}
	return out
}

// backlog says in words what waits for a sink, and why.
func backlog(b store.Backlog, s outbox.State) string {
	detail := "nothing waits"
	if b.Entries > 0 {
		detail = fmt.Sprintf("%d entries wait, the oldest for %.1f s", b.Entries, time.Since(b.Oldest).Seconds())
	}
	if b.Dropped > 0 {
		detail += fmt.Sprintf("; %d dropped for room", b.Dropped)
	}
	if s.Fault != nil {
		detail += fmt.Sprintf("; %v since %s: %v", s.Kind, s.Since.UTC().Format(time.RFC3339), s.Fault)
	}
	return detail
}

// shared returns the cloud as a box of a pair asks it; alone, it is the cloud.
func (cc *cloudCopy) shared(cloud vision.Recognizer, wait bool) vision.Recognizer {
	if cc == nil || cc.pair == nil {
		return cloud
	}
	return &shared{pair: cc.pair, cloud: cloud, wait: wait}
}

// upload returns how a picture gets to where the cloud is to read it; nil where it is to be sent.
func (cc *cloudCopy) upload(c *rekognitionConfig) func(context.Context, vision.Picture) (bucket, key string, err error) {
	if cc == nil || cc.bucket == nil || !c.ReadS3 {
		return nil
	}
	return func(ctx context.Context, p vision.Picture) (bucket, key string, err error) {
		if err := cc.bucket.Put(ctx, p.Media, p.At, p.JPEG); err != nil {
			return "", "", err
		}
		cc.uploads.add(place{p.Media, p.At})
		return cc.bucket.Name, cc.bucket.Key(p.Media, p.At), nil
	}
}

// loadAWS reads the AWS configuration; key names the setting of the region.
func loadAWS(ctx context.Context, region, key string) (aws.Config, error) {
	c, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(region), awsconfig.WithLogger(logging.Nop{}))
	if err != nil {
		return c, fmt.Errorf("load AWS configuration: %w", err)
	}
	if c.Region == "" {
		return c, fmt.Errorf("no AWS region: set %s or AWS_REGION", key)
	}
	c.Credentials = awsfault.Credentials(c.Credentials)
	return c, nil
}

func openTable(ctx context.Context, name, region, key string) (*dynamodb.Table, error) {
	c, err := loadAWS(ctx, region, key)
	if err != nil {
		return nil, err
	}
	return &dynamodb.Table{Client: awsdynamodb.NewFromConfig(c), Name: name, Region: c.Region}, nil
}

func openTopic(ctx context.Context, name string) (*sns.Topic, error) {
	a, err := arn.Parse(name)
	if err != nil {
		return nil, fmt.Errorf("sync.sns.topic_arn: %w", err)
	}
	c, err := loadAWS(ctx, a.Region, "sync.sns.topic_arn")
	if err != nil {
		return nil, err
	}
	return &sns.Topic{Client: awssns.NewFromConfig(c), ARN: name, Region: c.Region}, nil
}

func openBucket(ctx context.Context, b s3Config) (*s3.Bucket, error) {
	c, err := loadAWS(ctx, b.Region, "sync.s3.region")
	if err != nil {
		return nil, err
	}
	return &s3.Bucket{Client: s3.NewClient(c), Name: b.Bucket, Prefix: b.Prefix, Region: c.Region}, nil
}
