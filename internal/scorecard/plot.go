package scorecard

import (
	"bytes"
	"fmt"
	"html/template"
	"math"
	"strings"
)

// Plot is one chart: the curves of a group that share a unit.
type Plot struct {
	// File is the name of the SVG file, without folder.
	File   string
	Title  string
	Curves []*curve
}

// plots are the charts of the curves.
func plots(curves []curve) (list []*Plot) {
	byKey := map[string]*Plot{}
	for i := range curves {
		c := &curves[i]
		if len(c.Points) < 2 {
			continue
		}
		key := c.Group + ", " + c.Unit
		p := byKey[key]
		if p == nil {
			p = &Plot{File: slug(key) + ".svg", Title: key}
			byKey[key], list = p, append(list, p)
		}
		p.Curves = append(p.Curves, c)
	}
	return list
}

// slug is a text as the name of a file.
func slug(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}

// Sizes of a chart, in pixels.
const (
	plotWidth, plotHeight = 720, 360
	plotLeft, plotRight   = 70, 240 // the right has the names of the curves
	plotTop, plotBottom   = 36, 48
)

// scale maps values to pixels, by their logarithm where they differ by more than wide times.
type scale struct {
	low, high, from, to float64
	logarithmic         bool
}

const wide = 8

func newScale(low, high, from, to float64) scale {
	s := scale{low: low, high: high, from: from, to: to, logarithmic: low > 0 && high/low > wide}
	if s.logarithmic {
		s.low, s.high = math.Pow(10, math.Floor(math.Log10(low)+1e-9)), math.Pow(10, math.Ceil(math.Log10(high)-1e-9))
	} else if span := high - low; low > 0 && low < span {
		s.low = 0
	} else if span == 0 {
		s.low, s.high = min(0, low), max(0, high)+1
	}
	return s
}

func (s scale) at(v float64) float64 {
	low, high := s.low, s.high
	if s.logarithmic {
		low, high, v = math.Log10(low), math.Log10(high), math.Log10(v)
	}
	return s.from + (v-low)/(high-low)*(s.to-s.from)
}

// ticks are the values with a line: powers of ten, or five steps.
func (s scale) ticks() (list []float64) {
	if s.logarithmic {
		for v := s.low; v <= s.high*1.001; v *= 10 {
			list = append(list, v)
		}
		return list
	}
	for i := range 6 {
		list = append(list, s.low+(s.high-s.low)*float64(i)/5)
	}
	return list
}

// colors are told apart by people who do not see red and green apart (Okabe and Ito).
func color(i int) string {
	all := [...]string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#444444"}
	return all[i%len(all)]
}

type plotTick struct {
	At   float64
	Text string
}

type plotDot struct{ X, Y float64 }

type plotLine struct {
	Name, Color, Path string
	Dots              []plotDot
	NameY             int
}

type plotView struct {
	Title, Axis, Unit              string
	Width, Height                  int
	Left, Right, Top, Bottom, Name float64
	Across, Up                     []plotTick
	Lines                          []plotLine
}

// SVG is the chart as a picture. Texts are escaped.
func (p *Plot) SVG() ([]byte, error) {
	v, x, y := p.view()
	for i, c := range p.Curves {
		l := plotLine{Name: c.Name, Color: color(i), NameY: plotTop + 14 + 16*i}
		for j, f := range c.Points {
			d := plotDot{x.at(f.X), y.at(f.Value)}
			if y.logarithmic && f.Value <= 0 {
				d.Y = y.from
			}
			l.Path += fmt.Sprintf("%s%.1f %.1f ", []string{"M", "L"}[min(j, 1)], d.X, d.Y)
			l.Dots = append(l.Dots, d)
		}
		v.Lines = append(v.Lines, l)
	}
	t, err := template.New("plot").Parse(plotTemplate)
	if err != nil {
		return nil, fmt.Errorf("plot: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("plot %s: %w", p.File, err)
	}
	return b.Bytes(), nil
}

// view is the chart without its curves, and its scales.
func (p *Plot) view() (v plotView, x, y scale) {
	lowX, highX, lowY, highY := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, c := range p.Curves {
		for _, f := range c.Points {
			lowX, highX, lowY, highY = min(lowX, f.X), max(highX, f.X), min(lowY, f.Value), max(highY, f.Value)
		}
	}
	x = newScale(lowX, highX, plotLeft, plotWidth-plotRight)
	y = newScale(lowY, highY, plotHeight-plotBottom, plotTop)
	v = plotView{
		Title: p.Title, Axis: p.Curves[0].Axis, Unit: p.Curves[0].Unit, Width: plotWidth, Height: plotHeight,
		Left: plotLeft, Right: plotWidth - plotRight, Top: plotTop, Bottom: plotHeight - plotBottom, Name: plotWidth - plotRight + 12,
	}
	for _, tick := range x.ticks() {
		v.Across = append(v.Across, plotTick{x.at(tick), number(tick)})
	}
	for _, tick := range y.ticks() {
		v.Up = append(v.Up, plotTick{y.at(tick), number(tick)})
	}
	return v, x, y
}

const plotTemplate = `<svg xmlns="http://www.w3.org/2000/svg" width="{{.Width}}" height="{{.Height}}" viewBox="0 0 {{.Width}} {{.Height}}" font-family="sans-serif" font-size="11" role="img">
<title>{{.Title}}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="{{.Left}}" y="20" font-size="13" fill="#222222">{{.Title}}</text>
{{- $v := .}}
{{- range .Across}}
<path d="M{{printf "%.1f" .At}} {{$v.Top}}V{{$v.Bottom}}" stroke="#dddddd"/><text x="{{printf "%.1f" .At}}" y="{{$v.Height}}" dy="-30" text-anchor="middle" fill="#444444">{{.Text}}</text>
{{- end}}
{{- range .Up}}
<path d="M{{$v.Left}} {{printf "%.1f" .At}}H{{$v.Right}}" stroke="#dddddd"/><text x="{{$v.Left}}" y="{{printf "%.1f" .At}}" dx="-6" dy="4" text-anchor="end" fill="#444444">{{.Text}}</text>
{{- end}}
<text x="{{.Right}}" y="{{.Height}}" dy="-10" text-anchor="end" fill="#444444">{{.Axis}}</text>
{{- range .Lines}}
<path d="{{.Path}}" fill="none" stroke="{{.Color}}" stroke-width="2"/>
{{- $l := .}}
{{- range .Dots}}
<circle cx="{{printf "%.1f" .X}}" cy="{{printf "%.1f" .Y}}" r="3" fill="{{$l.Color}}"/>
{{- end}}
<text x="{{$v.Name}}" y="{{.NameY}}" fill="{{.Color}}">{{.Name}}</text>
{{- end}}
</svg>
`
