package scorecard

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path"
	"strings"
	"text/template"
	"time"
)

// Folder is where the charts stand, seen from the Markdown.
const Folder = "scorecard"

// Markdown is the card as docs/scorecard.md, and the charts that it shows.
func (c *Card) Markdown() ([]byte, []*Plot, error) {
	curves := c.curves()
	all := plots(curves)
	t, err := template.New("card").Funcs(template.FuncMap{
		"figure": figure, "interval": interval, "cell": cell, "plain": plain,
		"chart": func(p *Plot) string { return path.Join(Folder, p.File) },
	}).Parse(cardTemplate)
	if err != nil {
		return nil, nil, fmt.Errorf("scorecard: %w", err)
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"Card": c, "Goals": c.goals(), "Sections": c.sections(), "Plots": all, "Took": c.Took.Round(time.Second),
		"Made": c.Made.UTC().Format(time.DateOnly), "Grown": grown(curves),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("scorecard: %w", err)
	}
	return b.Bytes(), all, nil
}

// grown are the curves of how cost grows.
func grown(curves []curve) (list []*curve) {
	for i := range curves {
		if curves[i].growth() && len(curves[i].Points) > 1 {
			list = append(list, &curves[i])
		}
	}
	return list
}

// figure writes a figure with its unit.
func figure(f Figure) string {
	if f.Ratio() && f.Unit == "" || f.Ratio() && !f.Pooled {
		return number(f.Value)
	}
	return strings.TrimSpace(number(f.Value) + " " + f.Unit)
}

// interval writes what a figure may also be.
func interval(f Figure) string {
	if len(f.Values) < 2 {
		return "one round"
	}
	return number(f.Low) + " to " + number(f.High)
}

// plain writes a goal's bound as people write it in a table.
func plain(f Figure) string {
	if f.Goal == nil || math.IsNaN(f.Goal.Bound) {
		return ""
	}
	return f.Goal.String()
}

// cell keeps a text inside its cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}

const cardTemplate = `# Scorecard

<!-- Written by make scorecard: do not edit. -->

{{if .Card.Quick}}Written by ` + "`make scorecard ARGS=--quick`" + `{{else}}Written by ` + "`make scorecard`" + `{{end}} on {{.Made}}, in {{.Took}}.

The machine: {{.Card.Machine}}.

A ratio compares what ran side by side in the same rounds, and should hold elsewhere; all other figures are this machine's. A figure is
the median of its rounds, or a ratio of sums; the range is the middle 95 % when the rounds are drawn anew from themselves 2,000
times (bootstrap). "Not surely" says that the goal lies within that range.{{if .Card.Quick}} A quick run takes few rounds, so its ranges say little.{{end}}

## Goals

| what | figure | range | goal | |
|---|---:|---:|---:|---|
{{- range .Goals}}
| {{cell .Group}}: {{cell .Name}} | {{figure .}} | {{interval .}} | {{plain .}} | {{.Verdict}} |
{{- end}}
{{range .Sections}}
## {{.Title}}

| what | figure | range | rounds |
|---|---:|---:|---:|
{{- range .Figures}}
| {{cell .Name}}{{if .Note}} ({{cell .Note}}){{end}} | {{figure .}} | {{interval .}} | {{len .Values}} |
{{- end}}
{{end}}
{{- if .Grown}}
## How cost grows

{{range .Grown -}}
- {{.Group}}. {{.Growth}}{{with .Note}} {{.}}{{end}}
{{end}}{{end}}
{{- range .Plots}}
### {{.Title}}

![{{.Title}}]({{chart .}})

| {{(index .Curves 0).Axis}} | what | figure | range |
|---:|---|---:|---:|
{{- range .Curves}}{{$c := .}}{{range .Points}}
| {{.X | printf "%.4g"}} | {{cell $c.Name}} | {{figure .}} | {{interval .}} |
{{- end}}{{end}}
{{end}}
{{- if .Card.Absent}}
## Left out

{{range .Card.Absent -}}
- {{.What}}: {{.Why}}
{{end}}{{end}}`

// Marks around the table that ReplaceTable replaces.
const (
	tableBegin = "<!-- scorecard -->"
	tableEnd   = "<!-- /scorecard -->"
)

// Table is the card's goals in short, for README.md.
func (c *Card) Table() string {
	var b strings.Builder
	command := "make scorecard"
	if c.Quick {
		command += " ARGS=--quick"
	}
	fmt.Fprintf(&b, "`%s` printed on %s, on %s:\n\n| what | figure | goal | |\n|---|---:|---:|---|\n", command, c.Made.UTC().Format(time.DateOnly), c.Machine)
	for _, f := range c.goals() {
		fmt.Fprintf(&b, "| %s: %s | %s | %s | %s |\n", cell(f.Group), cell(f.Name), figure(f), plain(f), f.Verdict())
	}
	return b.String()
}

// ReplaceTable returns a document with a table between the marks in place of what stood there.
func ReplaceTable(document []byte, table string) ([]byte, error) {
	head, rest, ok := bytes.Cut(document, []byte(tableBegin))
	if !ok {
		return nil, errors.New("there is no line " + tableBegin + ": put it where the table is to stand")
	}
	_, tail, ok := bytes.Cut(rest, []byte(tableEnd))
	if !ok {
		return nil, errors.New("after " + tableBegin + " there is no line " + tableEnd + ": put it where the table ends")
	}
	return bytes.Join([][]byte{head, []byte(tableBegin + "\n" + table + tableEnd), tail}, nil), nil
}
