package dynamodb

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"spotter/timeline"
)

// maxItem is the largest item that DynamoDB takes, in bytes, names and values together.
const maxItem = 400 << 10

// item is the attributes of one, by name.
type item = map[string]types.AttributeValue

// celebrity and object are the elements of celeb_json and object_json, kin those of labels_json.
type celebrity struct {
	Name            string
	ID              string `json:"Id"`
	MatchConfidence float64
	URLs            []string `json:"Urls"`
}

type object struct {
	Name       string
	Confidence float64
}

type kin struct {
	Parents []string `json:",omitempty"`
	Aliases []string `json:",omitempty"`
}

// encode returns the attributes of an observation, as docs/formats.md lists them.
func (t *Table) encode(o *timeline.Observation) (item, error) {
	highest := 0.0
	celebrities := make([]celebrity, 0, len(o.Celebrities))
	for _, e := range o.Celebrities {
		urls := e.URLs
		if urls == nil {
			urls = []string{}
		}
		celebrities = append(celebrities, celebrity{e.Name, e.ID, e.Confidence, urls})
		highest = max(highest, e.Confidence)
	}
	objects := make([]object, 0, len(o.Objects))
	for _, e := range o.Objects {
		objects = append(objects, object{e.Name, e.Confidence})
		highest = max(highest, e.Confidence)
	}
	i := item{
		"media_id":            text(o.Media),
		"media_time_position": number(o.From.String()),
		"media_time_until":    number(o.Until.String()),
		"timestamp":           text(o.At.UTC().Format(time.RFC3339Nano)),
		"confidence":          number(strconv.FormatFloat(highest, 'f', -1, 64)),
		"source":              text(o.Source),
		"revision":            integer(int64(o.Revision)),
	}
	if o.Open {
		i["open"] = &types.AttributeValueMemberBOOL{Value: true}
	}
	if edited := o.LastEdit(); edited > 0 {
		i["edited"] = integer(edited)
	}
	t.expire(i, o.At)
	lists := map[string]any{"celeb_json": celebrities, "object_json": objects}
	if labels := labelsOf(o.Objects); len(labels) > 0 {
		lists["labels_json"] = labels
	}
	for name, list := range lists {
		b, err := json.Marshal(list)
		if err != nil {
			return nil, err
		}
		i[name] = text(string(b))
	}
	return i, nil
}

// labelsOf returns the parents and aliases of the objects that have any, by name.
func labelsOf(objects []timeline.Entity) map[string]kin {
	labels := make(map[string]kin)
	for _, e := range objects {
		if _, known := labels[e.Name]; !known && len(e.Parents)+len(e.Aliases) > 0 {
			labels[e.Name] = kin{e.Parents, e.Aliases}
		}
	}
	return labels
}

// expire sets when an item of a moment expires.
func (t *Table) expire(i item, at time.Time) {
	if t.TTL > 0 {
		i["expires_at"] = integer(at.Add(t.TTL).Unix())
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

func integer(n int64) types.AttributeValue { return number(strconv.FormatInt(n, 10)) }

// decode returns the observation of an item. Attributes that Spotter does not know are passed over.
func decode(i item) (*timeline.Observation, error) {
	r := reader{item: i}
	o := &timeline.Observation{
		Media:    r.text("media_id"),
		Span:     timeline.Span{From: r.position("media_time_position"), Until: r.position("media_time_until")},
		Source:   r.text("source"),
		Revision: int(r.integer("revision")),
		At:       r.time("timestamp"),
		Open:     r.flag("open"),
	}
	if i["edited"] != nil { // what of it people said is not in the table
		o.Edits = &timeline.Edits{At: time.UnixMilli(r.integer("edited")).UTC()}
	}
	var celebrities []celebrity
	r.json("celeb_json", &celebrities)
	var objects []object
	r.json("object_json", &objects)
	var labels map[string]kin
	if i["labels_json"] != nil {
		r.json("labels_json", &labels)
	}
	o.Celebrities = make([]timeline.Entity, len(celebrities))
	for n, c := range celebrities {
		o.Celebrities[n] = timeline.Entity{Name: c.Name, ID: c.ID, Confidence: c.MatchConfidence}
		if len(c.URLs) > 0 {
			o.Celebrities[n].URLs = c.URLs
		}
	}
	o.Objects = make([]timeline.Entity, len(objects))
	for n, b := range objects {
		k := labels[b.Name]
		o.Objects[n] = timeline.Entity{Name: b.Name, Confidence: b.Confidence, Parents: k.Parents, Aliases: k.Aliases}
	}
	return o, r.err
}

// reader reads attributes and keeps the first error.
type reader struct {
	item item
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) text(name string) string {
	v, ok := r.item[name].(*types.AttributeValueMemberS)
	if !ok {
		r.fail("%s is not a string", name)
		return ""
	}
	return v.Value
}

func (r *reader) flag(name string) bool {
	v, ok := r.item[name].(*types.AttributeValueMemberBOOL)
	if r.item[name] != nil && !ok {
		r.fail("%s is not a boolean", name)
	}
	return ok && v.Value
}

func (r *reader) number(name string) string {
	v, ok := r.item[name].(*types.AttributeValueMemberN)
	if !ok {
		r.fail("%s is not a number", name)
		return "0"
	}
	return v.Value
}

// integer reads a whole number, which another writer may have put as 3E0.
func (r *reader) integer(name string) int64 {
	f, err := strconv.ParseFloat(r.number(name), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		r.fail("%s %q is not a whole number", name, clip(r.number(name)))
		return 0
	}
	return int64(f)
}

func (r *reader) position(name string) timeline.Position {
	f, err := strconv.ParseFloat(r.number(name), 64)
	if err != nil || math.IsNaN(f) || math.Abs(f)*1000 > float64(timeline.MaxPosition) {
		r.fail("%s %q is not a position in seconds", name, clip(r.number(name)))
		return 0
	}
	return timeline.Position(math.Round(f * 1000))
}

func (r *reader) time(name string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, r.text(name))
	if err != nil {
		r.fail("%s %q is not a time of RFC 3339", name, clip(r.text(name)))
	}
	return at.UTC()
}

func (r *reader) json(name string, into any) {
	if err := json.Unmarshal([]byte(r.text(name)), into); err != nil {
		r.fail("%s: %w", name, err)
	}
}

// clip keeps an error about an item of any size short.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

// size returns how many bytes of maxItem an item takes: names, UTF-8 text, and numbers as numberSize has them. See "DynamoDB item
// sizes and formats" of the developer guide.
func size(i item) int {
	n := 0
	for name, value := range i {
		n += len(name)
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			n += len(v.Value)
		case *types.AttributeValueMemberN:
			n += numberSize(v.Value)
		default: // a boolean
			n++
		}
	}
	return n
}

// numberSize returns a byte, one for a sign, and one for each two digits on either side of the point, from the first that are not
// both zero to the last. The guide calls that approximate; DynamoDB Local counts so.
func numberSize(s string) int {
	n := 1
	if s[0] == '-' {
		n, s = n+1, s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if len(whole)%2 == 1 {
		whole = "0" + whole
	}
	if len(fraction)%2 == 1 {
		fraction += "0"
	}
	digits := whole + fraction
	for strings.HasPrefix(digits, "00") {
		digits = digits[2:]
	}
	for strings.HasSuffix(digits, "00") {
		digits = digits[:len(digits)-2]
	}
	return n + len(digits)/2
}
