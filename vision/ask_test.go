package vision_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spotter/timeline"
	"spotter/vision"
)

const (
	deadline = 2 * time.Second
	patience = 10 * time.Second
	// soon is what the local recogniser of these tests takes.
	soon = 50 * time.Millisecond
)

var (
	errLost   = errors.New("connection lost")
	errPace   = fmt.Errorf("pace: %w", vision.ErrThrottled)
	errRights = fmt.Errorf("rights: %w", vision.ErrPermanent)
	errUnfit  = fmt.Errorf("80 pixels: %w", vision.ErrPicture)
)

// oracle is a recogniser that answers what its function says, and counts the calls.
type oracle struct {
	say   func(ctx context.Context, want vision.Want) (vision.Answer, error)
	calls atomic.Int64
}

func (o *oracle) Recognize(ctx context.Context, p vision.Picture) (vision.Answer, error) {
	o.calls.Add(1)
	return o.say(ctx, p.Wanted())
}

// become makes the oracle answer as another one. It is for synctest bubbles.
func (o *oracle) become(other *oracle) {
	synctest.Wait()
	o.say = other.say
}

// wait passes time, or fails when ctx is done.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", ctx.Err())
	}
}

// whole is an answer that names its source in each part.
func whole(source string) vision.Answer {
	who := timeline.Entity{Name: source + " star", Confidence: 90}
	return vision.Answer{
		Source:      source,
		Celebrities: []timeline.Entity{who},
		Objects:     []timeline.Entity{{Name: source + " thing", Confidence: 80}},
		Faces:       []vision.NamedFace{{Box: vision.Box{Width: 0.1, Height: 0.2}, Who: who}},
	}
}

// part returns what an answer says of some of it.
func part(a vision.Answer, want vision.Want) vision.Answer {
	if !want.Has(vision.WantCelebrities) {
		a.Celebrities, a.Faces = nil, nil
	}
	if !want.Has(vision.WantObjects) {
		a.Objects = nil
	}
	return a
}

// mixedAnswer is the local answer with a part of the cloud's.
func mixedAnswer(cloud vision.Want) vision.Answer {
	a, c := part(whole("local"), vision.WantAll&^cloud), part(whole("cloud"), cloud)
	if cloud.Has(vision.WantCelebrities) {
		a.Celebrities, a.Faces = c.Celebrities, c.Faces
	} else {
		a.Objects = c.Objects
	}
	return a
}

// after answers as the source, or errs, after some time.
func after(d time.Duration, source string, err error) *oracle {
	return &oracle{say: func(ctx context.Context, _ vision.Want) (vision.Answer, error) {
		if err := wait(ctx, d); err != nil {
			return vision.Answer{}, err
		}
		if err != nil {
			return vision.Answer{}, err
		}
		return whole(source), nil
	}}
}

// lacks answers as the cloud but for the missing part, after some time.
func lacks(d time.Duration, missing vision.Want, err error) *oracle {
	return &oracle{say: func(ctx context.Context, want vision.Want) (vision.Answer, error) {
		if err := wait(ctx, d); err != nil {
			return vision.Answer{}, err
		}
		if missing &= want; missing == 0 {
			return part(whole("cloud"), want), nil
		}
		answer := part(whole("cloud"), want&^missing)
		return vision.Answer{}, fmt.Errorf("ask: %w", &vision.PartialError{Answer: answer, Missing: missing, Err: err})
	}}
}

// asked is an Asker with what was said to its callbacks, to be read after synctest.Wait.
type asked struct {
	*vision.Asker
	mu     sync.Mutex
	faults []error
	late   []lateSaid
	done   time.Time // when late was called last
}

type lateSaid struct {
	Answer vision.Answer
	Missed vision.Want
}

// newAsked makes an asker that is closed at the end of the test.
func newAsked(t *testing.T, mode vision.Mode, cloud, local vision.Recognizer) *asked {
	t.Helper()
	a := new(asked)
	asker, err := vision.NewAsker(mode, cloud, local, vision.AskOptions{
		Deadline: deadline, Patience: patience, OnFault: func(err error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.faults = append(a.faults, err)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Asker = asker
	t.Cleanup(asker.Close)
	return a
}

func (a *asked) ask(ctx context.Context, want vision.Want) (vision.Reply, error) {
	return a.Ask(ctx, vision.Picture{Want: want}, func(answer vision.Answer, missed vision.Want) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.late, a.done = append(a.late, lateSaid{answer, missed}), time.Now()
	})
}

// expect asks about a picture and wants an answer of the source.
func (a *asked) expect(t *testing.T, source string) vision.Reply {
	t.Helper()
	r, err := a.ask(t.Context(), 0)
	if err != nil || r.Answer.Source != source {
		t.Fatalf("got %q, %v; want %q", r.Answer.Source, err, source)
	}
	return r
}

func TestNewAskerRefuses(t *testing.T) {
	some := after(0, "some", nil)
	in := func(d, p time.Duration) vision.AskOptions { return vision.AskOptions{Deadline: d, Patience: p} }
	cases := []struct {
		name         string
		mode         vision.Mode
		cloud, local vision.Recognizer
		options      vision.AskOptions
		ok           bool
	}{
		{"all there", vision.CloudFirst, some, some, in(deadline, patience), true},
		{"patience by default", vision.CloudFirst, some, some, in(deadline, 0), true},
		{"patience no more than the deadline", vision.CloudFirst, some, some, in(deadline, deadline), false},
		{"cloud-first without local", vision.CloudFirst, some, nil, in(deadline, 0), false},
		{"cloud-first without cloud", vision.CloudFirst, nil, some, in(deadline, 0), false},
		{"local-first without cloud", vision.LocalFirst, nil, some, in(deadline, 0), false},
		{"local-only without cloud", vision.LocalOnly, nil, some, in(0, 0), true},
		{"local-only without local", vision.LocalOnly, some, nil, in(0, 0), false},
		{"cloud-only without local", vision.CloudOnly, some, nil, in(deadline, 0), true},
		{"cloud-only without cloud", vision.CloudOnly, nil, some, in(deadline, 0), false},
		{"no deadline", vision.CloudOnly, some, nil, in(0, 0), false},
		{"unknown mode", "nearest", some, some, in(deadline, 0), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, err := vision.NewAsker(c.mode, c.cloud, c.local, c.options)
			if c.ok != (err == nil) || c.ok != (a != nil) {
				t.Fatalf("got %v, %v", a, err)
			}
			if err != nil && !errors.Is(err, vision.ErrMode) {
				t.Errorf("error %q does not wrap ErrMode", err)
			}
		})
	}
}

func TestParseMode(t *testing.T) {
	for _, s := range []string{"cloud-first", "local-first", "local-only", "cloud-only"} {
		if m, err := vision.ParseMode(s); err != nil || string(m) != s {
			t.Errorf("%s: got %q, %v", s, m, err)
		}
	}
	for _, s := range []string{"", "Cloud-First", "cloud"} {
		if _, err := vision.ParseMode(s); !errors.Is(err, vision.ErrMode) {
			t.Errorf("%q: error %v, want ErrMode", s, err)
		}
	}
}

// TestAsk asks about one picture in every mode.
func TestAsk(t *testing.T) {
	const celebrities, objects, all = vision.WantCelebrities, vision.WantObjects, vision.WantAll
	fast, slow, never := 100*time.Millisecond, 5*time.Second, time.Hour
	local := func() *oracle { return after(soon, "local", nil) }
	none := vision.Answer{}
	cases := []struct {
		name         string
		mode         vision.Mode
		cloud, local *oracle
		want         vision.Want
		reply        vision.Reply
		is           error
		faults       int
		takes        time.Duration
		late         []lateSaid
		lateAt       time.Duration
	}{
		{"cloud", vision.CloudFirst, after(fast, "cloud", nil), local(), 0, vision.Reply{Answer: whole("cloud")}, nil, 0, fast, nil, 0},
		{"only objects of the cloud", vision.CloudFirst, after(fast, "cloud", nil), local(), objects, vision.Reply{Answer: part(whole("cloud"), objects)}, nil, 0, fast, nil, 0},
		{"cloud down", vision.CloudFirst, after(fast, "", errLost), local(), 0, vision.Reply{Answer: whole("local"), Missed: all}, nil, 1, fast + soon, nil, 0},
		{"only celebrities, cloud down", vision.CloudFirst, after(fast, "", errLost), local(), celebrities, vision.Reply{Answer: part(whole("local"), celebrities), Missed: celebrities}, nil, 1, fast + soon, nil, 0},
		{"throttled", vision.CloudFirst, after(0, "", errPace), local(), 0, vision.Reply{Answer: whole("local"), Missed: all}, nil, 1, soon, nil, 0},
		{"denied", vision.CloudFirst, after(0, "", errRights), local(), 0, vision.Reply{Answer: whole("local"), Missed: all}, nil, 1, soon, nil, 0},
		{"unfit picture", vision.CloudFirst, after(0, "", errUnfit), local(), 0, vision.Reply{Answer: whole("local")}, nil, 1, soon, nil, 0},
		{"late", vision.CloudFirst, after(slow, "cloud", nil), local(), 0, vision.Reply{Answer: whole("local"), Pending: true}, nil, 1, deadline + soon, []lateSaid{{whole("cloud"), 0}}, slow},
		{"late failure", vision.CloudFirst, after(slow, "", errLost), local(), 0, vision.Reply{Answer: whole("local"), Pending: true}, nil, 2, deadline + soon, []lateSaid{{none, all}}, slow},
		{"late and unfit", vision.CloudFirst, after(slow, "", errUnfit), local(), 0, vision.Reply{Answer: whole("local"), Pending: true}, nil, 2, deadline + soon, []lateSaid{{whole("local"), 0}}, slow},
		{"late part", vision.CloudFirst, lacks(slow, objects, errLost), local(), 0, vision.Reply{Answer: whole("local"), Pending: true}, nil, 2, deadline + soon, []lateSaid{{mixedAnswer(celebrities), objects}}, slow},
		{"patience over", vision.CloudFirst, after(never, "cloud", nil), local(), objects, vision.Reply{Answer: part(whole("local"), objects), Pending: true}, nil, 1, deadline + soon, []lateSaid{{none, objects}}, patience},
		{"just late", vision.CloudFirst, after(deadline+soon/2, "cloud", nil), local(), 0, vision.Reply{Answer: whole("cloud")}, nil, 1, deadline + soon, nil, 0},
		{"just late and failing", vision.CloudFirst, after(deadline+soon/2, "", errLost), local(), 0, vision.Reply{Answer: whole("local"), Missed: all}, nil, 2, deadline + soon, nil, 0},
		{"objects missing", vision.CloudFirst, lacks(fast, objects, errLost), local(), 0, vision.Reply{Answer: mixedAnswer(celebrities), Missed: objects}, nil, 1, fast + soon, nil, 0},
		{"celebrities missing", vision.CloudFirst, lacks(fast, celebrities, errPace), local(), 0, vision.Reply{Answer: mixedAnswer(objects), Missed: celebrities}, nil, 1, fast + soon, nil, 0},
		{"all missing", vision.CloudFirst, lacks(fast, all, errLost), local(), 0, vision.Reply{Answer: whole("local"), Missed: all}, nil, 1, fast + soon, nil, 0},
		{"an unwanted part missing", vision.CloudFirst, lacks(fast, objects, errLost), local(), celebrities, vision.Reply{Answer: part(whole("cloud"), celebrities)}, nil, 0, fast, nil, 0},
		{"a part missing and local down", vision.CloudFirst, lacks(fast, objects, errLost), after(soon, "", errRights), 0, vision.Reply{Answer: part(whole("cloud"), celebrities), Missed: objects}, nil, 2, fast + soon, nil, 0},
		{"both down", vision.CloudFirst, after(fast, "", errLost), after(soon, "", errRights), 0, vision.Reply{Missed: all}, errLost, 1, fast + soon, nil, 0},
		{"denied and local down", vision.CloudFirst, after(fast, "", errRights), after(soon, "", errLost), 0, vision.Reply{Missed: all}, errLost, 1, fast + soon, nil, 0},
		{"late and local down", vision.CloudFirst, after(slow, "cloud", nil), after(soon, "", errLost), 0, vision.Reply{Pending: true}, context.DeadlineExceeded, 1, deadline + soon, []lateSaid{{whole("cloud"), 0}}, slow},

		{"local-first", vision.LocalFirst, after(0, "cloud", nil), local(), objects, vision.Reply{Answer: part(whole("local"), objects)}, nil, 0, soon, nil, 0},
		{"local-first, local down", vision.LocalFirst, after(fast, "cloud", nil), after(soon, "", errLost), 0, vision.Reply{Answer: whole("cloud")}, nil, 1, soon + fast, nil, 0},
		{"local-first, both down", vision.LocalFirst, after(fast, "", errRights), after(soon, "", errLost), 0, vision.Reply{Missed: all}, errLost, 1, soon + fast, nil, 0},
		{"local-first, cloud late", vision.LocalFirst, after(slow, "cloud", nil), after(soon, "", errLost), 0, vision.Reply{Pending: true}, errLost, 1, soon + deadline, []lateSaid{{whole("cloud"), 0}}, soon + slow},

		{"local-only", vision.LocalOnly, nil, local(), celebrities, vision.Reply{Answer: part(whole("local"), celebrities)}, nil, 0, soon, nil, 0},
		{"local-only, local down", vision.LocalOnly, after(0, "cloud", nil), after(soon, "", errLost), 0, vision.Reply{}, errLost, 0, soon, nil, 0},

		{"cloud-only", vision.CloudOnly, after(fast, "cloud", nil), local(), 0, vision.Reply{Answer: whole("cloud")}, nil, 0, fast, nil, 0},
		{"cloud-only, denied", vision.CloudOnly, after(fast, "", errRights), local(), 0, vision.Reply{Missed: all}, vision.ErrPermanent, 0, fast, nil, 0},
		{"cloud-only, unfit", vision.CloudOnly, after(fast, "", errUnfit), local(), 0, vision.Reply{}, vision.ErrPicture, 0, fast, nil, 0},
		{"cloud-only, objects missing", vision.CloudOnly, lacks(fast, objects, errLost), nil, 0, vision.Reply{Answer: part(whole("cloud"), celebrities), Missed: objects}, nil, 1, fast, nil, 0},
		{"cloud-only, late", vision.CloudOnly, after(slow, "cloud", nil), nil, 0, vision.Reply{Pending: true}, context.DeadlineExceeded, 0, deadline, []lateSaid{{whole("cloud"), 0}}, slow},
		{"cloud-only, late failure", vision.CloudOnly, after(slow, "", errRights), nil, 0, vision.Reply{Pending: true}, context.DeadlineExceeded, 1, deadline, []lateSaid{{none, all}}, slow},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var cloud, local vision.Recognizer
				if c.cloud != nil {
					cloud = c.cloud
				}
				if c.local != nil {
					local = c.local
				}
				a, began := newAsked(t, c.mode, cloud, local), time.Now()
				reply, err := a.ask(t.Context(), c.want)
				if d := cmp.Diff(c.reply, reply); d != "" {
					t.Errorf("reply (-want +got):\n%s", d)
				}
				if !errors.Is(err, c.is) || c.is == nil && err != nil {
					t.Errorf("error %v, want %v", err, c.is)
				}
				if errors.Is(err, vision.ErrPermanent) && !errors.Is(c.is, vision.ErrPermanent) {
					t.Errorf("error %q is permanent, though one side may yet answer", err)
				}
				if took := time.Since(began); took != c.takes {
					t.Errorf("took %v, want %v", took, c.takes)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if d := cmp.Diff(c.late, a.late); d != "" {
					t.Errorf("late (-want +got):\n%s", d)
				}
				if len(a.late) > 0 && a.done.Sub(began) != c.lateAt {
					t.Errorf("late after %v, want %v", a.done.Sub(began), c.lateAt)
				}
				if len(a.faults) != c.faults {
					t.Errorf("faults %v, want %d", a.faults, c.faults)
				}
			})
		})
	}
}

// TestWithoutLate proves that a caller who takes no late answer has the call ended at the deadline.
func TestWithoutLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended time.Duration
		began := time.Now()
		cloud := &oracle{say: func(ctx context.Context, _ vision.Want) (vision.Answer, error) {
			err := wait(ctx, time.Hour)
			ended = time.Since(began)
			return vision.Answer{}, err
		}}
		a := newAsked(t, vision.CloudFirst, cloud, after(soon, "local", nil))
		r, err := a.Ask(t.Context(), vision.Picture{}, nil)
		synctest.Wait()
		if want := (vision.Reply{Answer: whole("local"), Missed: vision.WantAll}); err != nil || !cmp.Equal(want, r) {
			t.Errorf("got %+v, %v", r, err)
		}
		if ended != deadline+soon {
			t.Errorf("call ended after %v, want %v", ended, deadline+soon)
		}
	})
}
