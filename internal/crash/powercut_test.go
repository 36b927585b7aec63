//go:build crash && linux

package crash_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestPowerCut records what a worker writes and syncs, and makes of it what a disk may have when the power goes: all that
// was synced, of the rest any part, whole or in sectors. What was acknowledged must be in each of these.
func TestPowerCut(t *testing.T) {
	need(t, "strace")
	points := 0
	report(t, "power cut", &points)
	for _, posix := range []bool{false, true} {
		name, part := "ext4, XFS, Btrfs", share(12)
		if posix {
			name, part = "no more than POSIX promises", share(3)
		}
		t.Run(name, func(t *testing.T) {
			p := &powerCut{rng: random(t), posix: posix, images: memory(t), dir: filepath.Join(t.TempDir(), "data"), m: newModel()}
			if err := os.Mkdir(p.dir, 0o750); err != nil {
				t.Fatal(err)
			}
			before := points
			for recording := 0; points-before < part; recording++ {
				if recording%8 == 7 { // a new box, whose files are just made
					p.m = newModel()
					os.RemoveAll(p.dir)
					os.Mkdir(p.dir, 0o750)
				}
				points += p.record(t, min(imagesPerRecording, part))
			}
		})
	}
}

// imagesPerRecording is how many images are made of one recording, about.
const imagesPerRecording = 150

type powerCut struct {
	rng    *rand.Rand
	posix  bool
	dir    string
	images string // a folder in memory
	m      *model
}

// record has a worker live, replays what it wrote, and cuts the power again and again. The last image is where the next
// recording begins.
func (p *powerCut) record(t *testing.T, images int) (points int) {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	d, err := newDisk(p.dir, p.posix)
	if err != nil {
		t.Fatal(err)
	}
	v := life{seed: p.rng.Uint64(), limit: 60 + p.rng.IntN(60), wrap: []string{
		"strace", "-f", "--seccomp-bpf", "-q", "-xx", "-s", "16777216", "-o", trace, "-e", "trace=" + traced,
	}}
	state, complaint, err := v.live(p.dir, newModel())
	if err == nil && (!state.Success() || complaint != "") {
		err = fmt.Errorf("the recording failed: %v: %s", state, complaint)
	}
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	if err := readTrace(trace, func(call) error { calls++; return nil }); err != nil {
		t.Fatal(err)
	}
	last, image := p.m, ""
	err = readTrace(trace, func(c call) error {
		if c.name == "write" && c.int(0) == 1 {
			_, err := last.hear(c.strings[0])
			return err
		}
		if c.name == "write" && d.handles[c.int(0)] == nil || !d.cuttable(p.rng, c, images, calls) {
			d.do(c)
			return nil
		}
		points++
		if image != "" {
			os.RemoveAll(image)
		}
		image = filepath.Join(p.images, fmt.Sprint(points))
		if err := p.cut(d, image, last); err != nil {
			return fmt.Errorf("cut %d, before %s%v: %w", points, c.name, c.args, err)
		}
		d.do(c)
		return nil
	})
	if err != nil {
		t.Fatalf("%v\nfiles: %s", err, keep(t, image))
	}
	p.goOn(t, d)
	return points
}

// cuttable says whether the power is to go before a call.
func (d *disk) cuttable(rng *rand.Rand, c call, images, calls int) bool {
	n := images
	if c.name == "fsync" || c.name == "fdatasync" {
		n *= 2 // when most may be lost
	}
	return c.name != "close" && c.name != "write" && rng.IntN(calls/2+1) < n
}

// cut makes an image and looks at it.
func (p *powerCut) cut(d *disk, image string, m *model) error {
	if err := d.lose(p.rng, image); err != nil {
		return err
	}
	if err := os.CopyFS(image+".before", os.DirFS(image)); err != nil {
		return err
	}
	_, err := m.look(image, true)
	if err == nil {
		return os.RemoveAll(image + ".before")
	}
	// The image as it was before it was opened is what tells most.
	os.RemoveAll(image)
	os.Rename(image+".before", image)
	return err
}

// goOn cuts the power at the end of a recording and leaves what is found for the next one.
func (p *powerCut) goOn(t *testing.T, d *disk) {
	t.Helper()
	os.RemoveAll(p.dir)
	if err := d.lose(p.rng, p.dir); err != nil {
		t.Fatal(err)
	}
	f, err := p.m.look(p.dir, true)
	if err != nil {
		t.Fatalf("at the end of a recording: %v\nfiles: %s", err, keep(t, p.dir))
	}
	p.m.adopt(f)
}
