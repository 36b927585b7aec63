//go:build bench && !noonnx

package gatebench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spotter/internal/gatebench"
	"spotter/internal/scorecard/record"
	"spotter/vision/local"
)

// TestGate prints, for each reference, how many calls each approach takes and how much it tells, and the curve of the
// one over the other. Run it with
//
//	make bench-gate
func TestGate(t *testing.T) {
	b := newBench(t)
	recognizers := []*recognizer{
		b.recognizer(t, "NanoDet", local.NewNanoDet(b.networks("object_detection_nanodet_2022nov.onnx"), sure)),
		b.recognizer(t, "YOLOX-nano", local.NewYOLOX(b.networks("yolox_nano.onnx"), 416, sure)),
	}
	curves := b.curves()
	if record.Quick() {
		for i, c := range curves {
			curves[i].Settings, curves[i].Default = c.Settings[c.Default:c.Default+1], 0
			if i == 0 { // the dense run, which print puts first
				curves[i].Settings, curves[i].Default = []gatebench.Setting{c.Settings[0], c.Settings[c.Default]}, 1
			}
		}
		recognizers = recognizers[:0] // what is on screen by construction does
	}
	results := make([]*result, 1+len(recognizers))
	for i := range results {
		results[i] = newResult(curves)
	}
	for _, take := range b.studio.Takes() {
		s, err := take(t.Context())
		fatal(t, err)
		references := []*gatebench.Reference{s.Truth}
		for _, r := range recognizers {
			ref, err := r.reference(t.Context(), s)
			fatal(t, err)
			references = append(references, ref)
		}
		for i, ref := range references {
			fatal(t, results[i].add(t.Context(), s, ref, curves))
		}
	}
	titles := []string{
		"Reference: what is on screen by construction", "Reference: NanoDet, YuNet and MobileFaceNet on every frame",
		"Reference: YOLOX-nano, YuNet and MobileFaceNet on every frame",
	}
	for i, r := range results {
		fatal(t, r.print(titles[i], curves))
		r.record(t, strings.TrimPrefix(titles[i], "Reference: "), curves)
	}
}

// curves are the approaches. The dense run is on the first one.
func (b *bench) curves() []gatebench.Curve {
	scenes := b.scenes()
	return []gatebench.Curve{
		gatebench.FixedCurve(), gatebench.HashCurve(), scenes.Curve(gatebench.Content), scenes.Curve(gatebench.Adaptive),
		b.gateCurve(layers{name: "gate: pictures", pictures: true}), b.gateCurve(layers{name: "gate: models", models: true}),
		b.gateCurve(layers{name: "gate: both", pictures: true, models: true}),
	}
}

func (b *bench) scenes() gatebench.PySceneDetect {
	return gatebench.PySceneDetect{Script: filepath.Join("..", "..", "scripts", "scenedetect"), Cache: b.cache}
}

// result is what comes of one reference.
type result struct {
	streams []string
	rows    [][]gatebench.Row // by curve and setting
}

func newResult(curves []gatebench.Curve) *result {
	r := &result{}
	for _, c := range curves {
		rows := make([]gatebench.Row, len(c.Settings))
		for i, s := range c.Settings {
			rows[i].Name = s.Name()
		}
		r.rows = append(r.rows, rows)
	}
	return r
}

// add scores all approaches on one more stream, unless there is no such reference for it.
func (r *result) add(ctx context.Context, s *gatebench.Stream, ref *gatebench.Reference, curves []gatebench.Curve) error {
	if ref == nil {
		return nil
	}
	r.streams = append(r.streams, s.Name)
	for i, c := range curves {
		for j, setting := range c.Settings {
			told, calls, err := setting.Tell(ctx, s, ref)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", setting.Name(), s.Name, err)
			}
			score, err := gatebench.Judge(ref, told, calls)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", setting.Name(), s.Name, err)
			}
			r.rows[i][j].Scores = append(r.rows[i][j].Scores, score)
		}
	}
	return nil
}

func (r *result) print(title string, curves []gatebench.Curve) error {
	rows := []gatebench.Row{r.rows[0][0]} // every second
	lines := make([]gatebench.Line, len(curves))
	for i, c := range curves {
		rows = append(rows, r.rows[i][c.Default])
		lines[i] = gatebench.Line{Name: c.Name, Parameter: c.Parameter, Default: c.Default}
		for j, setting := range c.Settings {
			total := r.rows[i][j].Total()
			lines[i].Points = append(lines[i].Points, gatebench.Point{Name: setting.Value, Cost: total.Cost(), Recall: total.Recall()})
		}
	}
	if err := gatebench.WriteTable(os.Stdout, title, r.streams, rows); err != nil {
		return err
	}
	return gatebench.WriteChart(os.Stdout, title+": recall over calls", lines)
}

// record gives the result to the scorecard: at each approach's default the shares of calls and of what was due that was told,
// and over all settings recall over calls. The goals are those of the gate with both of its layers, which is the last curve.
func (r *result) record(t *testing.T, title string, curves []gatebench.Curve) {
	t.Helper()
	group := "Calls and recall: " + title
	for i, c := range curves {
		var calls, dense, quarter, right, due []float64
		for _, s := range r.rows[i][c.Default].Scores {
			calls, dense, quarter = append(calls, float64(s.Calls)), append(dense, float64(2*s.Frames)), append(quarter, float64(s.Frames)/2)
			right, due = append(right, float64(s.Right)), append(due, float64(s.Due))
		}
		var most, fourth, least *record.Goal
		if i == len(curves)-1 {
			most, fourth, least = record.AtMost(0.1), record.AtMost(0.4), record.AtLeast(0.98)
		}
		name := c.Settings[c.Default].Name()
		record.Add(t,
			record.Measurement{Group: group, Name: name + ": calls / those of 1 fps", Values: calls, Base: dense, Pooled: true, Goal: most},
			record.Measurement{Group: group, Name: name + ": calls / those of 1/4 fps", Values: calls, Base: quarter, Pooled: true, Goal: fourth},
			record.Measurement{Group: group, Name: name + ": recall of (entity, second)", Values: right, Base: due, Pooled: true, Goal: least})
		for j := range c.Settings {
			total := r.rows[i][j].Total()
			if total.Calls > 0 && len(c.Settings) > 1 {
				record.Add(t, record.Measurement{
					Group: "Recall over calls: " + title, Name: c.Name, Unit: "recall",
					Values: []float64{total.Recall()}, Axis: "calls / those of 1 fps", X: total.Cost(),
				})
			}
		}
	}
}

// TestCuts prints how well cuts are found.
func TestCuts(t *testing.T) {
	b := newBench(t)
	scenes := b.scenes()
	finders := []gatebench.CutFinder{
		gateCuts{},
		scenes.Detector(gatebench.Content, 27), scenes.Detector(gatebench.Adaptive, 3),
		gatebench.Scdet{Threshold: 10, Cache: b.cache},
	}
	groups := []struct {
		title string
		films []film
	}{
		{"Cuts against the published lists, one picture either way: F1; found/missed/false", b.published(t)},
		{"Cuts, dissolves and fades of the streams by construction: F1; found/missed/false", b.constructed(t)},
	}
	for _, g := range groups {
		var names []string
		rows := make([]gatebench.CutRow, len(finders))
		for _, f := range g.films {
			names = append(names, f.name)
			for i, finder := range finders {
				cuts, err := finder.Cuts(t.Context(), f.video)
				fatal(t, err)
				rows[i].Name = finder.Name()
				rows[i].Scores = append(rows[i].Scores, gatebench.Match(f.cuts, cuts, 1))
			}
		}
		fatal(t, gatebench.WriteCuts(os.Stdout, g.title, names, rows))
		for _, row := range rows {
			recordCuts(t, g.title, row)
		}
	}
}

// recordCuts gives a detector's F1 to the scorecard.
func recordCuts(t *testing.T, title string, row gatebench.CutRow) {
	t.Helper()
	title, _, _ = strings.Cut(title, ": F1")
	var twice, all []float64
	for _, s := range row.Scores {
		twice, all = append(twice, 2*float64(s.Found)), append(all, float64(2*s.Found+s.Missed+s.False))
	}
	record.Add(t, record.Measurement{Group: title, Name: row.Name + ": F1", Values: twice, Base: all, Pooled: true})
}

// film is a video with its cuts.
type film struct {
	name, video string
	cuts        []gatebench.Transition
}

// published are the kit's lists: those that PySceneDetect publishes of two of its detectors, and hamilton's, made by eye.
func (b *bench) published(t *testing.T) (films []film) {
	t.Helper()
	videos := filepath.Join(b.studio.Kit, "videos")
	for _, detector := range []string{"Adaptive", "Content"} {
		for _, name := range []string{"testvideo", "fades", "counter"} {
			var list struct{ Cuts []int }
			readJSON(t, filepath.Join(videos, "pyscenedetect-cuts", name+".mp4."+detector+"Detector.default.json"), &list)
			films = append(films, film{name + " (" + detector + ")", filepath.Join(videos, name+".mp4"), gatebench.At(list.Cuts...)})
		}
	}
	var truth struct{ Cuts []struct{ Frame int } }
	readJSON(t, filepath.Join(videos, "short_hamilton_clip.truth.json"), &truth)
	hamilton := film{name: "hamilton", video: filepath.Join(videos, "short_hamilton_clip.mp4")}
	for _, c := range truth.Cuts {
		hamilton.cuts = append(hamilton.cuts, gatebench.At(c.Frame)...)
	}
	return append(films, hamilton)
}

// constructed are the streams.
func (b *bench) constructed(t *testing.T) (films []film) {
	t.Helper()
	for _, take := range b.studio.Takes() {
		s, err := take(t.Context())
		fatal(t, err)
		films = append(films, film{s.Name, s.Video, s.Cuts})
	}
	return films
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	fatal(t, err)
	fatal(t, json.Unmarshal(text, v))
}
