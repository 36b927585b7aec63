package main

import (
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mediaKey is the key of the streams, which are told apart by themselves.
const mediaKey = "media"

// liveKeys are those that a running box takes up beside media; all others need a restart. What keys, certificates, instruments
// and the gallery hold is no matter of keys: each of these files is read again by its reader.
func liveKeys() []string {
	return []string{
		"log.level", "retention.age", "retention.max_bytes",
		"vision.rekognition.calls_per_second", "vision.rekognition.usd_per_hour", "vision.rekognition.deadline",
		"vision.rekognition.min_confidence", "vision.rekognition.max_labels",
	}
}

// taking returns the configuration of a box that runs by c and takes up of next what it can, the keys that it takes up, and
// those that need a restart. Nothing that it returns is shared with c or next in what changes.
func (c *config) taking(next *config) (taken config, live, restart []string) {
	for _, key := range changedKeys(c, next) {
		if slices.Contains(liveKeys(), key) {
			live = append(live, key)
		} else {
			restart = append(restart, key)
		}
	}
	taken = *c
	taken.Log, taken.Media, taken.Retention = next.Log, next.Media, next.Retention
	if was, is := c.Vision.Rekognition, next.Vision.Rekognition; was != nil && is != nil {
		r := *was
		r.CallsPerSecond, r.USDPerHour, r.Deadline = is.CallsPerSecond, is.USDPerHour, is.Deadline
		r.MinConfidence, r.MaxLabels = is.MinConfidence, is.MaxLabels
		taken.Vision.Rekognition = &r
	}
	return taken, live, restart
}

// conflicts returns what is wrong with a configuration that was put together of two.
func (c *config) conflicts() error {
	f := faults{root: new(yaml.Node)}
	c.check(&f)
	return f.err()
}

// changedKeys returns the keys, media left out, whose values differ, as the file names them. Of a section that only one of both
// has it names the section.
func changedKeys(a, b *config) []string {
	var keys []string
	compare("", reflect.ValueOf(*a), reflect.ValueOf(*b), &keys)
	return slices.DeleteFunc(keys, func(key string) bool { return key == mediaKey })
}

func compare(path string, a, b reflect.Value, keys *[]string) {
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				*keys = append(*keys, path)
			}
			return
		}
		compare(path, a.Elem(), b.Elem(), keys)
	case reflect.Struct:
		for i := range a.NumField() {
			name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
			if name == "" { // not of the file
				continue
			}
			compare(strings.TrimPrefix(path+"."+name, "."), a.Field(i), b.Field(i), keys)
		}
	default:
		if !reflect.DeepEqual(a.Interface(), b.Interface()) {
			*keys = append(*keys, path)
		}
	}
}
