package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"spotter/httpapi"
	"spotter/timeline"
)

// jsonFormat prints one JSON object a line.
type jsonFormat struct{ w io.Writer }

func (f jsonFormat) observation(o *timeline.Observation) error { return json.NewEncoder(f.w).Encode(o) }

func (f jsonFormat) summary(s summary) error {
	return json.NewEncoder(f.w).Encode(map[string]summary{"summary": s})
}

// tableFormat prints a line for every scene, for people.
type tableFormat struct {
	w      io.Writer
	headed bool
}

const tableLine = "%10s %10s  %-11s %s\n"

func (f *tableFormat) observation(o *timeline.Observation) error {
	if !f.headed {
		f.headed = true
		if _, err := fmt.Fprintf(f.w, tableLine, "from", "until", "source", "seen"); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(f.w, tableLine, o.From, o.Until, o.Source, names(o))
	return err
}

func (f *tableFormat) summary(s summary) error {
	_, err := fmt.Fprintf(f.w, "\n%s s analysed: %d pictures sampled, %d admitted, %d recognised, %d observations\n",
		s.Duration, s.Sampled, s.Admitted, s.Recognized, s.Observations)
	return err
}

// names lists who and what an observation names, for people.
func names(o *timeline.Observation) string {
	var list []string
	for _, e := range append(append([]timeline.Entity(nil), o.Celebrities...), o.Objects...) {
		list = append(list, fmt.Sprintf("%s %.0f", printable(e.Name), e.Confidence))
	}
	if list == nil {
		return "-"
	}
	return strings.Join(list, ", ")
}

// printable replaces control characters: names come from outside.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// csvFormat prints a line for every entity of every scene.
type csvFormat struct{ *csv.Writer }

func newCSVFormat(w io.Writer) format {
	f := csvFormat{csv.NewWriter(w)}
	_ = f.Write([]string{"from", "until", "source", "kind", "name", "id", "confidence"}) // reported by Flush's error
	return f
}

func (f csvFormat) observation(o *timeline.Observation) error {
	line := func(kind string, e timeline.Entity) {
		_ = f.Write([]string{o.From.String(), o.Until.String(), o.Source, kind, e.Name, e.ID, strconv.FormatFloat(e.Confidence, 'f', -1, 64)})
	}
	for _, e := range o.Celebrities {
		line("celebrity", e)
	}
	for _, e := range o.Objects {
		line("object", e)
	}
	f.Flush()
	return f.Error()
}

func (f csvFormat) summary(summary) error { f.Flush(); return f.Error() }

// vttFormat prints WebVTT (W3C) with a metadata cue of JSON for every scene, as the viewer API's timeline.vtt has it.
type vttFormat struct {
	w      io.Writer
	headed bool
}

func (f *vttFormat) head() error {
	if f.headed {
		return nil
	}
	f.headed = true
	_, err := io.WriteString(f.w, "WEBVTT\n\n")
	return err
}

func (f *vttFormat) observation(o *timeline.Observation) error {
	if err := f.head(); err != nil {
		return err
	}
	_, err := f.w.Write(httpapi.AppendCue(nil, o))
	return err
}

func (f *vttFormat) summary(summary) error { return f.head() }
