package dynamodb

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"spotter/timeline"
)

// MaxItem and MaxState are the limits.
const (
	MaxItem  = maxItem
	MaxState = maxState
)

// Encode returns the item of an observation.
func Encode(t testing.TB, tab *Table, o *timeline.Observation) map[string]types.AttributeValue {
	t.Helper()
	i, err := tab.encode(o)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// SizeOf returns how large the item of an observation is.
func SizeOf(t testing.TB, tab *Table, o *timeline.Observation) int {
	t.Helper()
	return size(Encode(t, tab, o))
}

// MediaHash returns the sort key of a media's state and lease.
func MediaHash(media string) string { return mediaHash(media) }

// Merge returns what stands after o was put where old stood.
func Merge(old, o *timeline.Observation) *timeline.Observation { return merge(old, o) }
