package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"go.yaml.in/yaml/v3"

	"spotter/models/onnx"
)

// defaultTable is the table's name where none is said.
const defaultTable = "celebrity_object_in_media_stream"

// defaultOutbox is room for an hour of pictures, and for weeks of everything else.
const defaultOutbox = "1GiB"

// configVariable names the configuration file where --config does not.
const configVariable = "SPOTTER_CONFIG"

// config is the configuration file. Every default works; a part whose section is absent is off.
type config struct {
	DataDir   string          `yaml:"data_dir"`
	HTTP      httpConfig      `yaml:"http"`
	Media     []mediaConfig   `yaml:"media"`
	Vision    visionConfig    `yaml:"vision"`
	Sync      syncConfig      `yaml:"sync"`
	Retention retentionConfig `yaml:"retention"`
	Engage    *engageConfig   `yaml:"engage"`
	Timeline  timelineConfig  `yaml:"timeline"`
	Log       logConfig       `yaml:"log"`

	folder string // of the file
}

type visionConfig struct {
	Mode        string             `yaml:"mode"`
	MaxScene    time.Duration      `yaml:"max_scene"`
	Rekognition *rekognitionConfig `yaml:"rekognition"`
	Local       localConfig        `yaml:"local"`
}

type rekognitionConfig struct {
	Region         string        `yaml:"region"` // empty: the AWS configuration's own
	MaxLabels      int           `yaml:"max_labels"`
	MinConfidence  float64       `yaml:"min_confidence"`
	CallsPerSecond float64       `yaml:"calls_per_second"`
	USDPerHour     float64       `yaml:"usd_per_hour"`
	Deadline       time.Duration `yaml:"deadline"`
	Spool          string        `yaml:"spool"`   // with a unit; 0 keeps no picture that the cloud missed
	ReadS3         bool          `yaml:"read_s3"` // the picture from sync.s3's bucket, in place of its bytes
}

type localConfig struct {
	Recognizer    string             `yaml:"recognizer"`
	Objects       string             `yaml:"objects"`
	MinConfidence float64            `yaml:"min_confidence"`
	Faces         string             `yaml:"faces"`
	Identities    string             `yaml:"identities"`
	Provider      string             `yaml:"provider"`
	UnknownFaces  unknownFacesConfig `yaml:"unknown_faces"`
}

// unknownFacesConfig is what happens to the faces that nobody can name.
type unknownFacesConfig struct {
	Keep time.Duration `yaml:"keep"` // 0: nothing is kept of them
}

type syncConfig struct {
	DynamoDB *dynamoDBConfig `yaml:"dynamodb"`
	SNS      snsConfig       `yaml:"sns"`
	S3       s3Config        `yaml:"s3"`
	Outbox   string          `yaml:"outbox"` // what may wait for all of them, with a unit
}

type dynamoDBConfig struct {
	Table  string        `yaml:"table"`
	Region string        `yaml:"region"` // empty: the AWS configuration's own
	TTL    time.Duration `yaml:"ttl"`    // after which items expire; 0: never
	Pair   string        `yaml:"pair"`   // names the two boxes of which one pays for the cloud; empty: this is the only one
}

// snsConfig is off without a topic.
type snsConfig struct {
	TopicARN string `yaml:"topic_arn"`
}

// s3Config is off without a bucket.
type s3Config struct {
	Bucket string `yaml:"bucket"`
	Prefix string `yaml:"prefix"`
	Region string `yaml:"region"` // empty: the AWS configuration's own
}

// timelineConfig says where look-ups read, of a box that analyses nothing itself, and what else of a timeline is kept.
type timelineConfig struct {
	Thumbnails string       `yaml:"thumbnails"` // small pictures of what was asked about, with a unit; 0 keeps none
	DynamoDB   *tableConfig `yaml:"dynamodb"`
}

type tableConfig struct {
	Table  string `yaml:"table"`
	Region string `yaml:"region"` // empty: the AWS configuration's own
}

type retentionConfig struct {
	Age      time.Duration `yaml:"age"`
	MaxBytes string        `yaml:"max_bytes"` // with a unit, such as 20GiB
}

// bytes returns the limit in bytes; 0 where it is not a size.
func (r retentionConfig) bytes() int64 { return max(parseBytes(r.MaxBytes), 0) }

// parseBytes returns a size in bytes; -1 where it is none.
func parseBytes(size string) int64 {
	n, err := humanize.ParseBytes(size)
	if err != nil || n > math.MaxInt64 {
		return -1
	}
	return int64(n)
}

// setDefaults fills in what holds once a section is there: before decoding for the keys it leaves out, and again after
// it, for decoding an empty section takes it away.
func (c *config) setDefaults(root *yaml.Node) {
	if c.Vision.Rekognition == nil && has(root, "vision", "rekognition") {
		c.Vision.Rekognition = &rekognitionConfig{MaxLabels: 5, MinConfidence: 90, CallsPerSecond: 5, USDPerHour: 2, Deadline: 2 * time.Second, Spool: "256MiB"}
	}
	if c.Sync.DynamoDB == nil && has(root, "sync", "dynamodb") {
		c.Sync.DynamoDB = &dynamoDBConfig{Table: defaultTable}
	}
	if c.Engage == nil && has(root, "engage") {
		c.Engage = defaultEngage()
	}
	if c.Sync.Outbox == "" {
		c.Sync.Outbox = defaultOutbox
	}
	if c.Timeline.Thumbnails == "" {
		c.Timeline.Thumbnails = defaultThumbnails
	}
	if c.Timeline.DynamoDB == nil && has(root, "timeline", "dynamodb") {
		c.Timeline.DynamoDB = &tableConfig{Table: defaultTable}
	}
}

// defaultConfig is what holds without a file.
func defaultConfig() config {
	return config{
		DataDir: defaultDataDir(),
		Log:     logConfig{Level: logInfo},
		HTTP: httpConfig{
			Viewer: viewerConfig{Listen: "127.0.0.1:8080"},
			Admin:  adminConfig{Listen: "127.0.0.1:9090"},
		},
		Vision: visionConfig{
			Mode:     "cloud-first",
			MaxScene: 30 * time.Second,
			Local:    localConfig{Recognizer: "auto", Objects: yoloxNano, Faces: yunet, Identities: sface, Provider: onnx.CPU, MinConfidence: 50},
		},
		Sync:      syncConfig{S3: s3Config{Prefix: "frames/"}, Outbox: defaultOutbox},
		Retention: retentionConfig{Age: 72 * time.Hour, MaxBytes: "20GiB"},
		Timeline:  timelineConfig{Thumbnails: defaultThumbnails},
	}
}

// defaultDataDir is /var/lib/spotter for the service, and the user's own folder for who may not write there.
func defaultDataDir() string {
	const service = "/var/lib/spotter"
	if os.Geteuid() == 0 {
		return service
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return service
	}
	return filepath.Join(home, ".local", "share", "spotter")
}

// Faults that end with exit code 2.
var (
	errUsage  = errors.New("wrong usage")         // of the command line
	errConfig = errors.New("wrong configuration") // of the configuration file
)

// loadConfig reads the file named, or the one of SPOTTER_CONFIG, or none. All faults are listed at once, each with
// its line.
func loadConfig(path string) (config, error) {
	c := defaultConfig()
	if path = configPath(path); path == "" {
		return c, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("%w: %w", errConfig, err)
	}
	if c.folder, err = filepath.Abs(filepath.Dir(path)); err != nil {
		return c, fmt.Errorf("%w: %w", errConfig, err)
	}
	if err := parseConfig(text, &c); err != nil {
		return c, fmt.Errorf("%w: %s:\n%w", errConfig, path, err)
	}
	return c, nil
}

// parseConfig decodes text over the defaults in c and checks it.
func parseConfig(text []byte, c *config) error {
	var root yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&root)
	if errors.Is(err, io.EOF) {
		return nil // empty: the defaults
	}
	if err != nil {
		return fmt.Errorf("  %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	c.setDefaults(&root)
	f := faults{root: &root}
	f.decode(text, c)
	c.setDefaults(&root)
	for i := range c.Media {
		c.Media[i].setDefaults()
		c.Media[i].folder = c.folder
	}
	c.check(&f)
	return f.err()
}

// spoolBytes returns how much of the pictures that the cloud missed is kept.
func (c *config) spoolBytes() int64 {
	if c.Vision.Rekognition == nil {
		return 0
	}
	return parseBytes(c.Vision.Rekognition.Spool)
}

// deadline returns how long the cloud may take for a picture.
func (c *config) deadline() time.Duration {
	if c.Vision.Rekognition == nil {
		return 0
	}
	return c.Vision.Rekognition.Deadline
}
