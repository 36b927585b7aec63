package main

import (
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/template"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/spf13/cobra"

	"spotter/vision"
)

// defaultTopic is the topic's name where no configuration says one.
const defaultTopic = "spotter-segments"

//go:embed cloud_template.yaml
var cloudTemplate string

// cloudUse is what a configuration uses of AWS. What is empty or false is not used.
type cloudUse struct {
	Region     string // empty: whichever
	Recognize  bool
	Table      string // to be written
	ReadTable  string // only to be read, and so made by another's template
	Topic      string // its name
	FIFO       bool
	Frames     bool
	Bucket     string // empty: named after account and region, for the names of buckets are everybody's
	Prefix     string
	ReadFrames bool // by Rekognition
}

// defaultCloudUse is all of it, by the names that hold where none are said.
func defaultCloudUse() cloudUse {
	return cloudUse{Recognize: true, Table: defaultTable, Topic: defaultTopic, Frames: true, Prefix: defaultConfig().Sync.S3.Prefix}
}

// cloudUse returns what the configuration uses. It fails with errConfig where that is nothing, or in several regions.
func (c *config) cloudUse() (cloudUse, error) {
	u := cloudUse{Recognize: c.Vision.Rekognition != nil && vision.Mode(c.Vision.Mode).UsesCloud()}
	r := regions{}
	if d := c.Sync.DynamoDB; d != nil {
		u.Table = d.Table
		r.add("sync.dynamodb.region", d.Region)
	}
	if d := c.Timeline.DynamoDB; d != nil && d.Table != u.Table {
		u.ReadTable = d.Table
		r.add("timeline.dynamodb.region", d.Region)
	}
	if topic, err := arn.Parse(c.Sync.SNS.TopicARN); err == nil {
		u.Topic, u.FIFO = topic.Resource, strings.HasSuffix(topic.Resource, ".fifo")
		r.add("sync.sns.topic_arn", topic.Region)
	}
	if s := c.Sync.S3; s.Bucket != "" {
		u.Frames, u.Bucket, u.Prefix = true, s.Bucket, s.Prefix
		u.ReadFrames = u.Recognize && c.Vision.Rekognition.ReadS3
		r.add("sync.s3.region", s.Region)
		if u.ReadFrames { // Rekognition reads no bucket of another region
			r.add("vision.rekognition.region", c.Vision.Rekognition.Region)
		}
	}
	if !u.Recognize && u.Table == "" && u.ReadTable == "" && u.Topic == "" && !u.Frames {
		return u, fmt.Errorf("%w: nothing of AWS is configured: add vision.rekognition, sync.dynamodb, sync.sns, sync.s3 or timeline.dynamodb, "+
			"or give no --config to see a template of it all", errConfig)
	}
	var err error
	u.Region, err = r.one()
	return u, err
}

// regions are those that a configuration names, "key: region".
type regions []string

func (r *regions) add(key, region string) {
	if region != "" {
		*r = append(*r, key+": "+region)
	}
}

// one returns the region, "" where none is named: what a template makes is in one.
func (r regions) one() (string, error) {
	region := ""
	for _, named := range r {
		_, this, _ := strings.Cut(named, ": ")
		if region != "" && this != region {
			return "", fmt.Errorf("%w: what a template makes is in one region, but the configuration has %s: print one template for each, "+
				"from a file with the sections of that region only", errConfig, strings.Join(r, ", "))
		}
		region = this
	}
	return region, nil
}

func (c *cli) cloudTemplateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cloud-template",
		Short: "Print a CloudFormation template of what the configuration uses of AWS, and the rights for it",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			use := defaultCloudUse()
			if configPath(c.configPath) != "" {
				conf, err := c.config()
				if err != nil {
					return err
				}
				if use, err = conf.cloudUse(); err != nil {
					return err
				}
			}
			return use.print(c.stdout)
		},
	}
}

// print writes the template.
func (u *cloudUse) print(w io.Writer) error {
	t, err := template.New("cloud").Funcs(template.FuncMap{
		"quote":   strconv.Quote,
		"literal": strings.NewReplacer("$", "${!$}", "*", "${!*}", "?", "${!?}").Replace, // for IAM, within !Sub
	}).Parse(cloudTemplate)
	if err != nil {
		return fmt.Errorf("parse cloud template: %w", err)
	}
	if err := t.Execute(w, u); err != nil {
		return fmt.Errorf("print cloud template: %w", err)
	}
	return nil
}
