package dynamodb

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// tenure is what a lease's item says. Every write of one is different from all others by session and version.
type tenure struct {
	known    bool // an answer was had; without a session: there is no item
	media    string
	owner    string
	session  string
	version  int64
	duration time.Duration
	free     bool // it was given back
	// fresh is an item that was made where there was none. Somebody may have held the lease until the one before was deleted, so a
	// fresh one is not to count, nor to be followed, before that one's time is over.
	fresh bool
}

// answer is what a call came to: an error, or what stands in the table now.
type answer struct {
	sent    time.Time
	tenure  tenure
	written bool // by this call
	err     error
}

// look asks what stands.
func (c *contest) look(ctx context.Context, sent time.Time) answer {
	out, err := c.Table.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(c.Table.Name), ConsistentRead: aws.Bool(true), Key: c.key(),
	}, once)
	if err != nil {
		return answer{sent: sent, err: c.Table.explain(ctx, "GetItem", "get lease in "+c.Table.Name, err)}
	}
	return c.stands(sent, out.Item)
}

// stands returns the answer that an item, or none, is.
func (c *contest) stands(sent time.Time, i item) answer {
	a := answer{sent: sent, tenure: tenure{known: true}}
	if len(i) == 0 {
		return a
	}
	r := reader{item: i}
	a.tenure.media, a.tenure.owner, a.tenure.session = r.text("media"), r.text("owner"), r.text("session")
	a.tenure.version, a.tenure.free, a.tenure.fresh = r.integer("version"), r.flag("free"), r.flag("fresh")
	a.tenure.duration = min(max(time.Duration(r.integer("duration"))*time.Millisecond, 0), maxLease)
	if r.err != nil {
		a.err = c.Table.foreign(i, r.err)
	}
	return a
}

// claim is a conditional write.
type claim struct {
	tenure    tenure
	condition string
	values    item
}

// followed returns the claim of one who waits: that nothing has changed since.
func (c *contest) followed() claim {
	t := c.next()
	if c.seen.session == "" {
		t.fresh = true
		return claim{t, "attribute_not_exists(media_id)", nil}
	}
	return claim{t, "#session = :seen AND version = :version", item{
		":seen": text(c.seen.session), ":version": integer(c.seen.version),
	}}
}

// renewed returns the claim of the holder: that it is. An earlier claim of its own that comes late is kept from taking effect, and
// from being renewed, by the version.
func (c *contest) renewed(now time.Time) claim {
	t := c.next()
	t.fresh = c.seen.fresh && now.Before(c.notBefore)
	return claim{t, "#session = :seen AND version BETWEEN :from AND :until", item{
		":seen": text(c.session), ":from": integer(c.seen.version), ":until": integer(t.version - 1),
	}}
}

// next returns the next tenure of this box.
func (c *contest) next() tenure {
	c.version++
	return tenure{known: true, media: c.Media, owner: c.Owner, session: c.session, version: c.version, duration: c.duration}
}

// write returns the call that makes a claim. Where its condition does not hold it answers what stands.
func (c *contest) write(w claim) func(ctx context.Context, sent time.Time) answer {
	c.claimed = true
	i := c.key()
	i["media"], i["owner"], i["session"] = text(w.tenure.media), text(w.tenure.owner), text(w.tenure.session)
	i["version"], i["duration"] = integer(w.tenure.version), integer(w.tenure.duration.Milliseconds())
	for name, set := range map[string]bool{"free": w.tenure.free, "fresh": w.tenure.fresh} {
		if set {
			i[name] = &types.AttributeValueMemberBOOL{Value: true}
		}
	}
	in := &dynamodb.PutItemInput{
		TableName: aws.String(c.Table.Name), Item: i,
		ConditionExpression:                 aws.String(w.condition),
		ExpressionAttributeValues:           w.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if w.values != nil {
		in.ExpressionAttributeNames = map[string]string{"#session": "session"}
	}
	return func(ctx context.Context, sent time.Time) answer {
		_, err := c.Table.Client.PutItem(ctx, in, once)
		if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
			if len(failed.Item) == 0 { // it is gone, or the server does not tell
				return c.look(ctx, sent)
			}
			return c.stands(sent, failed.Item)
		}
		if err != nil {
			return answer{sent: sent, err: c.Table.explain(ctx, "PutItem", "put lease in "+c.Table.Name, err)}
		}
		return answer{sent: sent, tenure: w.tenure, written: true}
	}
}

// giveBack lets the other box follow at once. A claim whose answer never came may have made this box the holder.
func (c *contest) giveBack(ctx context.Context) {
	if !c.claimed {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseBack)
	defer cancel()
	w := c.renewed(time.Now())
	w.tenure.free = true
	w.tenure.fresh = w.tenure.fresh || c.seen.session != c.session // an answer never came, it may be
	if a := c.write(w)(ctx, time.Now()); a.err != nil {
		c.log.Warn("the lease could not be given back, the other box waits for it", "error", a.err)
	}
}

// key returns the lease's key.
func (c *contest) key() item {
	return item{"media_id": text(leasePartition), "media_time_position": number(mediaHash(c.Media))}
}
