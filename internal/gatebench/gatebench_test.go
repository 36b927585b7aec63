//go:build bench && !noonnx

package gatebench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"spotter/internal/gatebench"
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
	for i, title := range []string{
		"Reference: what is on screen by construction", "Reference: NanoDet, YuNet and MobileFaceNet on every frame",
		"Reference: YOLOX-nano, YuNet and MobileFaceNet on every frame",
	} {
		fatal(t, results[i].print(title, curves))
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
	}
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
