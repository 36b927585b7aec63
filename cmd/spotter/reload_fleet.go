package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"reflect"
	"slices"

	"spotter/capture/fetch"
)

// berth is one media's stream with what it was opened from, and what ends it.
type berth struct {
	*stream
	getter *fetch.HTTP // with cookies and credentials of its own
	digest [sha256.Size]byte

	stop  context.CancelFunc // nil while it does not run
	ended chan struct{}      // closed when it has ended
}

// run starts the stream; it runs until ctx is done or end.
func (b *berth) run(ctx context.Context) {
	ctx, b.stop = context.WithCancel(ctx)
	b.ended = make(chan struct{})
	go func() {
		defer close(b.ended)
		b.stream.run(ctx)
	}()
}

// end has the stream finish what is under way, which wait waits for.
func (b *berth) end() {
	if b.stop != nil {
		b.stop()
	}
}

// wait waits until the stream has ended, if it ran, and frees what it was read with.
func (b *berth) wait() {
	if b.stop != nil {
		<-b.ended
		b.stop = nil
	}
	b.close()
	b.getter.Close()
}

// fleet is the streams of the box in the order of the configuration, and their owner. It is for one goroutine at a time;
// what others see of it are the streams that it publishes.
type fleet struct {
	streams *streams
	berths  []*berth
}

// find returns a media's berth, or nil.
func (f *fleet) find(id string) *berth {
	i := slices.IndexFunc(f.berths, func(b *berth) bool { return b.pipeline.media.ID == id })
	if i < 0 {
		return nil
	}
	return f.berths[i]
}

// run starts all streams.
func (f *fleet) run(ctx context.Context) {
	for _, b := range f.berths {
		b.run(ctx)
	}
}

// close ends all streams and waits for them.
func (f *fleet) close() {
	for _, b := range f.berths {
		b.end()
	}
	for _, b := range f.berths {
		b.wait()
	}
	f.berths = nil
}

// publish shows others the streams that there are.
func (f *fleet) publish() {
	list := make([]*stream, len(f.berths))
	for i, b := range f.berths {
		list[i] = b.stream
	}
	f.streams.publish(list)
}

// changes are what another configuration asks of a fleet: its streams in their new order, those that are new among them, and
// those that it has no more. A stream that changed is both of the latter.
type changes struct {
	next   []*berth
	opened []*berth
	left   []*berth
}

// plan opens the streams that another configuration has and the fleet has not, or no stream at all.
func (f *fleet) plan(media []mediaConfig, open func(mediaConfig) (*berth, error)) (c changes, err error) {
	defer func() {
		if err != nil {
			for _, b := range c.opened {
				b.wait()
			}
		}
	}()
	for i := range media {
		m := &media[i]
		if old := f.find(m.ID); old != nil && old.serves(m) {
			c.next = append(c.next, old)
			continue
		}
		b, failed := open(*m)
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		c.next, c.opened = append(c.next, b), append(c.opened, b)
	}
	for _, b := range f.berths {
		if !slices.Contains(c.next, b) {
			c.left = append(c.left, b)
		}
	}
	return c, err
}

// turn makes the changes: those that leave finish what is under way, while the others go on, and then the new ones start.
func (f *fleet) turn(ctx context.Context, c changes) {
	for _, b := range c.left {
		b.end()
	}
	for _, b := range c.left {
		b.wait()
	}
	for _, b := range c.opened {
		if old := f.find(b.pipeline.media.ID); old != nil && reflect.DeepEqual(old.pipeline.media.Schedule, b.pipeline.media.Schedule) {
			b.permit.inherit(old.permit)
		}
	}
	f.berths = c.next
	f.publish()
	for _, b := range c.opened {
		b.run(ctx)
	}
}

// serves reports whether a stream is the one that a media's configuration asks for, the files included that it names.
func (b *berth) serves(m *mediaConfig) bool {
	return reflect.DeepEqual(b.pipeline.media, *m) && b.digest == m.digest()
}

// inherit takes over what the schedule and an operator said of the stream before.
func (p *permit) inherit(old *permit) {
	old.mu.Lock()
	scheduled, word := old.scheduled, old.word
	old.mu.Unlock()
	p.update(func() { p.scheduled, p.word = scheduled, word })
}

// secretFiles are the paths of the files that a media's configuration names and that are read when its stream is opened.
func (m *mediaConfig) secretFiles() []string {
	names := []string{m.URLFile, m.HeadersFile}
	if m.BasicAuth != nil {
		names = append(names, m.BasicAuth.PasswordFile)
	}
	var paths []string
	for _, name := range names {
		if name != "" {
			paths = append(paths, m.secretPath(name))
		}
	}
	return paths
}

// digest tells what is in the files that a media's configuration names.
func (m *mediaConfig) digest() (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, path := range m.secretFiles() {
		io.WriteString(h, path+"\x00")
		if f, err := os.Open(path); err == nil {
			io.Copy(h, io.LimitReader(f, maxSecret+1))
			f.Close()
		}
	}
	h.Sum(sum[:0])
	return sum
}
