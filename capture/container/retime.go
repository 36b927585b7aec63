package container

import "slices"

// reordered bounds how many pictures are shown before a keyframe that comes in front of them (H.265, A.4.1).
const reordered = 16

// retime gives keyframes that have another picture's time their own. ffmpeg's HLS and DASH muxers write the keyframe of an
// open GOP, where it begins a segment, with the time of the first of its leading pictures. Its own is where the others
// leave room for one.
func retime(units []Unit) {
	for i := range units {
		if !units[i].Key {
			continue
		}
		var others []int64
		for j := i + 1; j < len(units) && !units[j].Key && len(others) < 2*reordered; j++ {
			others = append(others, units[j].PTS)
		}
		if slices.Contains(others, units[i].PTS) {
			units[i].PTS = room(others)
		}
	}
}

// room returns where a picture is missing among others, the first of which are shown before it.
func room(times []int64) int64 {
	slices.Sort(times)
	var step int64
	for i := 1; i < len(times); i++ {
		if d := times[i] - times[i-1]; d > 0 && (step == 0 || d < step) {
			step = d
		}
	}
	last := 0
	for last+1 < min(len(times), reordered) && times[last+1]-times[last] < step*3/2 {
		last++
	}
	return times[last] + step
}
