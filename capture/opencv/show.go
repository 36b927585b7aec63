//go:build !nocv

package opencv

import (
	"math"

	"gocv.io/x/gocv"

	"spotter/timeline"
)

// show decodes the memory file and sees its wanted pictures, which list has in the order in which they are shown. It
// returns how many it saw, and of how many pictures of the list it can tell whether they were shown. Where all are to
// come, it stops at the first that is missing.
func (d *Decoder) show(list []picture, all bool, see func(timeline.Position) error) (seen, told int, err error) {
	seen, told, rest, err := d.showHeld(list, all, see)
	if err != nil || rest == 0 {
		return seen, told, err
	}
	n, told, err := d.showFrom(list, rest, see)
	return seen + n, told, err
}

// showHeld is show for all but the pictures of list from rest on, where that is not 0: there were too many of them to hold,
// and none of the list is missing.
//
// Damaged pictures are missing from what the decoder shows, so pictures are told by their time stamps and never
// counted. OpenCV 4.6 tells the time stamp of each picture, after that of the first, but for those that the decoder still
// held at the file's end: there it says 0 too. Such pictures wait until the number of all that were shown proves that
// none is missing.
func (d *Decoder) showHeld(list []picture, all bool, see func(timeline.Position) error) (seen, told, rest int, err error) {
	if len(list) == 0 {
		return 0, 0, 0, nil
	}
	video, err := gocv.VideoCaptureFileWithAPI(d.path, gocv.VideoCaptureFFmpeg)
	if video != nil { // also when it failed to open
		defer video.Close()
	}
	if err != nil {
		return 0, 0, 0, nil //nolint:nilerr // unreadable: lost
	}
	var waiting pending
	defer waiting.close()
	next, failures := 0, 0
	for failures <= len(list) {
		i := wantedFrom(list, next)
		if i < 0 {
			break
		}
		d.grab(video, i-next)
		if !video.Read(&d.full) || d.full.Empty() { // a damaged picture, or the end
			next = i
			failures++
			continue
		}
		ms := video.Get(gocv.VideoCapturePosMsec)
		if ms == 0 && len(list) > 1 {
			next = i + 1
			if len(waiting) > 0 && (len(waiting)+1)*d.full.Total()*d.full.Channels() > d.held {
				rest = i
				break
			}
			waiting.take(d, i)
			continue
		}
		if len(waiting) > 0 && waiting[0].index != 0 { // it was the first, and that is not wanted
			waiting.close()
			waiting = nil
		}
		n, err := d.seeAll(&waiting, list, see)
		if seen += n; err != nil {
			return seen, told, 0, err
		}
		told = next
		j := indexOf(list, ms)
		if all && j != told {
			return seen, told, 0, nil
		}
		if j < told { // not one of ours
			failures++
			continue
		}
		next = j + 1
		if list[j].wanted == nil {
			continue
		}
		if err := see(list[j].wanted.At); err != nil {
			return seen, told, 0, err
		}
		seen, told = seen+1, next
	}
	if len(waiting) == 0 {
		return seen, told, 0, nil
	}
	video.Grab(len(list) + 1 - next)
	if shown := video.Get(gocv.VideoCapturePosFrames); int(shown) != len(list) {
		return seen, waiting[0].index, 0, nil
	}
	n, err := d.seeAll(&waiting, list, see)
	return seen + n, len(list), rest, err
}

// showFrom decodes the memory file again and sees the wanted pictures of list from one on, of which none is missing.
func (d *Decoder) showFrom(list []picture, from int, see func(timeline.Position) error) (seen, told int, err error) {
	video, err := gocv.VideoCaptureFileWithAPI(d.path, gocv.VideoCaptureFFmpeg)
	if video != nil {
		defer video.Close()
	}
	if err != nil {
		return 0, from, nil //nolint:nilerr // unreadable: lost
	}
	next := 0
	for i := from; ; i = next {
		if i = wantedFrom(list, i); i < 0 {
			return seen, len(list), nil
		}
		d.grab(video, i-next)
		if !video.Read(&d.full) || d.full.Empty() {
			return seen, i, nil
		}
		if err := see(list[i].wanted.At); err != nil {
			return seen, i, err
		}
		seen, next = seen+1, i+1
	}
}

// grab decodes pictures that nobody wants, and tells of each that decoding goes on, as of the one that is read next.
func (d *Decoder) grab(video *gocv.VideoCapture, n int) {
	if d.Beat == nil {
		video.Grab(n)
		return
	}
	for range n {
		video.Grab(1)
		d.Beat()
	}
	d.Beat()
}

// seeAll sees the waiting pictures and leaves the decoder's own in place.
func (d *Decoder) seeAll(waiting *pending, list []picture, see func(timeline.Position) error) (seen int, err error) {
	current := d.full
	defer func() { d.full = current }()
	for ; len(*waiting) > 0 && err == nil; *waiting = (*waiting)[1:] {
		first := (*waiting)[0]
		d.full = first.full
		if err = see(list[first.index].wanted.At); err == nil {
			seen++
		}
		d.spare.Close()
		d.spare = first.full
	}
	return seen, err
}

// pending are decoded pictures of which it is not yet certain which they are.
type pending []struct {
	index int // in the list, if none is missing
	full  gocv.Mat
}

// take moves the decoder's picture to the end of the queue.
func (p *pending) take(d *Decoder, index int) {
	*p = append(*p, struct {
		index int
		full  gocv.Mat
	}{index, d.full})
	d.full, d.spare = d.spare, gocv.NewMat()
}

func (p *pending) close() {
	for _, x := range *p {
		x.full.Close()
	}
}

func wantedFrom(list []picture, from int) int {
	for i := from; i < len(list); i++ {
		if list[i].wanted != nil {
			return i
		}
	}
	return -1
}

// indexOf returns which picture has a time stamp, or -1.
func indexOf(list []picture, ms float64) int {
	for i, p := range list {
		if math.Abs(p.ms()-ms) < 1 {
			return i
		}
	}
	return -1
}
