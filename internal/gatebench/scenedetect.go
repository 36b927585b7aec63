package gatebench

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
)

// PySceneDetect runs PySceneDetect by a script of the repository.
type PySceneDetect struct {
	// Script is the path of scripts/scenedetect.
	Script string
	Cache  *Cache
}

// PySceneDetect's detectors, and the thresholds that they come with.
const (
	Content  = "content"
	Adaptive = "adaptive"

	usualContent, usualAdaptive = 27, 3
)

// thresholds are those of a detector's curve.
func thresholds(kind string) []float64 {
	if kind == Content {
		return []float64{4, 6, 8, 10, 14, 18, 22, usualContent, 35, 45}
	}
	return []float64{1, 1.25, 1.5, 2, 2.5, usualAdaptive, 4, 6, 10}
}

// Detector is one of PySceneDetect's detectors with a threshold. As a Chooser it asks about the middle frame of each
// scene, and again after each 30 s of a long one; the answer stands for all of the scene, before the frame too, as where a
// recording is searched.
type Detector struct {
	PySceneDetect
	kind      string
	threshold float64
}

// Detector returns ContentDetector or AdaptiveDetector with one of the thresholds of its curve.
func (p PySceneDetect) Detector(kind string, threshold float64) Detector {
	return Detector{p, kind, threshold}
}

// Name implements Chooser and CutFinder.
func (d Detector) Name() string { return fmt.Sprintf("PySceneDetect %s %g", d.kind, d.threshold) }

func (d Detector) key() string { return d.kind + "=" + strconv.FormatFloat(d.threshold, 'g', -1, 64) }

// Cuts implements CutFinder.
func (d Detector) Cuts(ctx context.Context, video string) ([]int, error) {
	all, err := d.run(ctx, video)
	if err != nil {
		return nil, err
	}
	cuts, ok := all[d.key()]
	if !ok {
		return nil, fmt.Errorf("PySceneDetect was not run with %s", d.key())
	}
	return cuts, nil
}

// run returns the cuts at all settings. They are of one run, which decodes the video once.
func (p PySceneDetect) run(ctx context.Context, video string) (map[string][]int, error) {
	args := []string{video}
	for _, kind := range []string{Content, Adaptive} {
		for _, t := range thresholds(kind) {
			args = append(args, Detector{kind: kind, threshold: t}.key())
		}
	}
	pinned := filepath.Join(filepath.Dir(p.Script), "scenedetect.txt")
	key, err := Key([]string{video, p.Script, pinned}, args[1:]...)
	if err != nil {
		return nil, err
	}
	out, err := p.Cache.Bytes("scenes-"+key+".json", func() ([]byte, error) {
		return output(exec.CommandContext(ctx, p.Script, args...))
	})
	if err != nil {
		return nil, fmt.Errorf("run PySceneDetect: %w", err)
	}
	var cuts map[string][]int
	if err := json.Unmarshal(out, &cuts); err != nil {
		return nil, fmt.Errorf("read PySceneDetect's cuts: %w", err)
	}
	return cuts, nil
}

// Choose implements Chooser.
func (d Detector) Choose(ctx context.Context, s *Stream) ([]Choice, int, error) {
	cuts, err := d.Cuts(ctx, s.Video)
	if err != nil {
		return nil, 0, err
	}
	scenes, asked := middles(s, cuts)
	return stand(len(s.Frames), scenes), 2 * asked, nil
}

// middles returns the scenes between cuts, none longer than 30 s, in frames, with the frame nearest to the middle of each,
// and how many scenes there are. A scene too short to have a frame costs its question all the same.
func middles(s *Stream, cuts []int) (scenes []span, asked int) {
	edges := append(append([]int{0}, cuts...), s.Pictures)
	longest := int(mostScene * s.Rate)
	for e := range edges[1:] {
		for from := edges[e]; from < edges[e+1]; from += longest {
			until := min(edges[e+1], from+longest)
			asked++
			if sc, ok := framesOf(s, from, until); ok {
				scenes = append(scenes, sc)
			}
		}
	}
	return scenes, asked
}

// framesOf returns the frames among the pictures [from, until).
func framesOf(s *Stream, from, until int) (sc span, ok bool) {
	sc = span{from: -1}
	nearest := 0
	for i := range s.Frames {
		n := s.Frames[i].Picture(s.Rate)
		if n < from || n >= until {
			continue
		}
		away := n - (from+until)/2
		away = max(away, -away)
		if sc.from < 0 {
			sc.from, sc.asked, nearest = i, i, away
		}
		if away < nearest {
			sc.asked, nearest = i, away
		}
		sc.until = i + 1
	}
	return sc, sc.from >= 0
}

// Curve is a detector at all thresholds.
func (p PySceneDetect) Curve(kind string) Curve {
	usual := float64(usualContent)
	if kind == Adaptive {
		usual = usualAdaptive
	}
	return NewCurve("PySceneDetect "+kind, "threshold", usual, thresholds(kind), func(t float64) Approach {
		return Chosen{p.Detector(kind, t)}
	})
}
