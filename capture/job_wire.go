package capture

import (
	"math"

	"spotter/capture/apart/wire"
	"spotter/capture/container"
	"spotter/timeline"
)

// What ReadJob takes at most.
const (
	maxRuns     = 1 << 14
	maxPictures = 1 << 16 // of a run
)

// AppendJob appends a job to b and the bytes of its units, in the same order, to raws.
func AppendJob(b []byte, raws [][]byte, j Job) ([]byte, [][]byte) {
	b = wire.AppendUint(b, j.Codec)
	b = wire.AppendBool(b, j.Blind)
	b = wire.AppendUint(b, len(j.Runs))
	for i := range j.Runs {
		r := &j.Runs[i]
		b = container.AppendSets(b, r.Params)
		b = container.AppendShape(b, r.Shape)
		b, raws = container.AppendUnits(b, raws, r.Units)
		b = wire.AppendUint(b, len(r.Pictures))
		for _, p := range r.Pictures {
			b = wire.AppendInt(wire.AppendInt(b, p.PTS), int64(p.At))
		}
	}
	return b, raws
}

// ReadJob reads a job that AppendJob wrote; its units borrow data, which has their bytes.
func ReadJob(r *wire.Reader, data []byte) (Job, error) {
	j := Job{Codec: container.Codec(r.Size(int(container.MPEG2))), Blind: r.Bool()}
	for range r.Count(maxRuns, 1) {
		x := Run{Params: container.ReadSets(r), Shape: container.ReadShape(r)}
		x.Units, data = container.ReadUnits(r, data)
		for range r.Count(maxPictures, 2) {
			x.Pictures = append(x.Pictures, Picture{PTS: r.Int(math.MaxInt64), At: timeline.Position(r.Int(math.MaxInt64))})
		}
		j.Runs = append(j.Runs, x)
		if r.Err() != nil {
			break
		}
	}
	if len(data) > 0 {
		r.Fail("bytes of no unit")
	}
	return j, r.End()
}
