package dynamodb

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"spotter/httpapi"
	"spotter/internal/awsfault"
	"spotter/timeline"
)

// statePartition has the partition key of the states of all media. No media has this id: a configured one has no colon.
const statePartition = "spotter:media"

// maxState bounds state_json, in bytes, with room for the rest of the item.
const maxState = maxItem - 8<<10

// State is what look-ups away from the box need besides the observations.
type State struct {
	Status httpapi.Status
	// Analyzed is what was analysed, and Breaks the advertisement breaks.
	Analyzed []timeline.Span
	Breaks   []timeline.Break
	// Settled is the position before which nothing will be revised any more; nil when there is none.
	Settled *timeline.Position
	// Clock is the clock anchor as the store keeps it; empty when there is none.
	Clock []byte
	// MaxScene bounds the length of an observation.
	MaxScene time.Duration
	// Updated is when the box told this, to the millisecond: the newest one wins.
	Updated time.Time
}

// stateJSON is state_json. Positions are in seconds, Clock is in base64 and MaxScene in seconds.
type stateJSON struct {
	State         string             `json:"state"`
	LiveEdge      *timeline.Position `json:"live_edge"`
	AnalyzedUntil *timeline.Position `json:"analyzed_until"`
	StartedAt     *time.Time         `json:"started_at"`
	Source        string             `json:"source"`
	Faults        []httpapi.Fault    `json:"faults"`
	Analyzed      []timeline.Span    `json:"analyzed"`
	Breaks        []timeline.Break   `json:"breaks"`
	Settled       *timeline.Position `json:"settled"`
	Clock         []byte             `json:"clock,omitempty"`
	MaxScene      float64            `json:"max_scene"`
}

// PutState writes how a media, Status.Media, is doing, unless the table has something newer. Where there is too much for one item
// the newest breaks and analysed spans are kept. Two media whose ids come to the same sort key are awsfault.Refused.
func (t *Table) PutState(ctx context.Context, s *State) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	media := s.Status.Media
	b, err := s.encode()
	if err != nil {
		return awsfault.New(awsfault.Refused, fmt.Sprintf("put state of %s in %s: %v", media, t.Name, err), "")
	}
	i := item{
		"media_id": text(statePartition), "media_time_position": number(mediaHash(media)),
		"media": text(media), "state_json": text(string(b)), "updated": integer(s.Updated.UnixMilli()),
	}
	t.expire(i, s.Updated)
	stands, written, err := t.putIf(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(t.Name), Item: i,
		ConditionExpression:       aws.String("attribute_not_exists(media_id) OR (media = :media AND updated < :updated)"),
		ExpressionAttributeValues: item{":media": i["media"], ":updated": i["updated"]},
	})
	if err != nil || written {
		return err
	}
	if r := (&reader{item: stands}); len(stands) > 0 && r.text("media") != media {
		return t.collision("state", media, r.text("media"))
	}
	return nil
}

// collision returns the error about two media that have one sort key; what is "state" or "lease".
func (t *Table) collision(what, media, other string) error {
	return awsfault.New(awsfault.Refused, fmt.Sprintf("put %s of %s in %s: its key is that of %s", what, media, t.Name, clip(other)),
		"rename one of the two media")
}

// States returns how all media are doing, by id, as the newest boxes told. An item that Spotter cannot have written is an error of
// kind awsfault.Refused that names its key; the other media's states come with it.
func (t *Table) States(ctx context.Context) ([]State, error) {
	items, err := t.queryItems(ctx, &dynamodb.QueryInput{
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("media_id = :partition"),
		ExpressionAttributeValues: item{":partition": text(statePartition)},
	})
	if err != nil {
		return nil, err
	}
	list := make([]State, 0, len(items))
	for _, i := range items {
		if s, bad := decodeState(i); bad == nil {
			list = append(list, s)
		} else if err == nil {
			err = t.foreign(i, bad)
		}
	}
	slices.SortFunc(list, func(a, b State) int { return cmp.Compare(a.Status.Media, b.Status.Media) })
	return list, err
}

func decodeState(i item) (State, error) {
	r := reader{item: i}
	var j stateJSON
	r.json("state_json", &j)
	return State{
		Status: httpapi.Status{
			Media: r.text("media"), State: j.State, LiveEdge: j.LiveEdge, AnalyzedUntil: j.AnalyzedUntil,
			StartedAt: j.StartedAt, Source: j.Source, Faults: j.Faults,
		},
		Analyzed: j.Analyzed, Breaks: j.Breaks, Settled: j.Settled, Clock: j.Clock,
		MaxScene: time.Duration(j.MaxScene * float64(time.Second)).Round(time.Millisecond),
		Updated:  time.UnixMilli(r.integer("updated")).UTC(),
	}, r.err
}

// encode returns state_json, with as many of the newest spans and breaks as there is room for.
func (s *State) encode() ([]byte, error) {
	j := stateJSON{
		State: s.Status.State, LiveEdge: s.Status.LiveEdge, AnalyzedUntil: s.Status.AnalyzedUntil,
		StartedAt: s.Status.StartedAt, Source: s.Status.Source, Faults: s.Status.Faults,
		Analyzed: timeline.New(nil, s.Analyzed).Analyzed(), Breaks: slices.Clone(s.Breaks),
		Settled: s.Settled, Clock: s.Clock, MaxScene: s.MaxScene.Seconds(),
	}
	slices.SortFunc(j.Breaks, func(a, b timeline.Break) int { return cmp.Compare(a.From, b.From) })
	for {
		b, err := json.Marshal(j)
		if err != nil || len(b) <= maxState {
			return b, err
		}
		over, spans, breaks := len(b)-maxState, length(j.Analyzed), length(j.Breaks)
		switch {
		case len(j.Analyzed)+len(j.Breaks) == 0:
			return nil, fmt.Errorf("it has %d bytes, there is room for %d", len(b), maxState)
		case spans > breaks:
			j.Analyzed = shorten(j.Analyzed, max(min(over, spans-breaks), over/2), spans)
		default:
			j.Breaks = shorten(j.Breaks, max(min(over, breaks-spans), over/2), breaks)
		}
	}
}

// shorten takes the first of a list away: at least one, and about as many as take part of its bytes.
func shorten[T any](list []T, part, bytes int) []T {
	return list[min(len(list)*part/bytes+1, len(list)):]
}

// length returns how many bytes a list takes, 0 for an empty one.
func length[T any](list []T) int {
	if len(list) == 0 {
		return 0
	}
	b, err := json.Marshal(list)
	if err != nil {
		return 0
	}
	return len(b)
}

// mediaHash returns the sort key of what the table has once for a media: the first 53 bits of the SHA-256 of its id, which any
// reader's floating-point number holds.
func mediaHash(media string) string {
	sum := sha256.Sum256([]byte(media))
	return strconv.FormatUint(binary.BigEndian.Uint64(sum[:])>>11, 10)
}
