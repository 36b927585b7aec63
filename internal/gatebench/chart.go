package gatebench

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// Line is a curve of the chart.
type Line struct {
	Name, Parameter string
	Points          []Point
	Default         int // the number of the point that the approach comes with
}

// Point is one setting: its parameter as the approach names it, calls as a share of 1 fps, and recall, both 0 to 1.
type Point struct {
	Name         string
	Cost, Recall float64
}

const (
	chartWidth  = 90 // columns
	chartHeight = 31 // rows, a hundredth of recall apart
	leastCost   = 0.01
	recallStep  = 0.01
	goalRecall  = 0.98
	goalCost    = 0.10
)

// WriteChart draws recall over calls and lists the points. A line's points are of its letter, small, and capital where
// the approach comes with that setting; points below the chart are on its lowest row. The goal is the upper left corner.
func WriteChart(w io.Writer, title string, lines []Line) error {
	var grid [chartHeight][chartWidth]byte
	for y := range grid {
		for x := range grid[y] {
			grid[y][x] = ' '
		}
	}
	for x := range chartWidth {
		grid[row(goalRecall)][x] = '-'
	}
	for y := range grid {
		grid[y][column(goalCost)] = '|'
	}
	for _, defaults := range []bool{false, true} { // these on top
		for i, l := range lines {
			for j, p := range l.Points {
				if letter := byte('a' + i); defaults == (j == l.Default) {
					if defaults {
						letter -= 'a' - 'A'
					}
					grid[row(p.Recall)][column(p.Cost)] = letter
				}
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nrecall\n", title)
	for y := range grid {
		fmt.Fprintf(&b, "%5.2f |%s\n", recallAt(y), strings.TrimRight(string(grid[y][:]), " "))
	}
	writeAxis(&b)
	for i, l := range lines {
		fmt.Fprintf(&b, "%c  %s; calls %% / recall at %s:\n", 'a'+i, l.Name, l.Parameter)
		writePoints(&b, l)
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}

func writeAxis(b *strings.Builder) {
	fmt.Fprintf(b, "      +%s\n", strings.Repeat("-", chartWidth))
	axis := []byte(strings.Repeat(" ", chartWidth+8))
	for _, c := range []float64{0.01, 0.02, 0.05, 0.10, 0.20, 0.50, 1} {
		copy(axis[6+column(c):], fmt.Sprintf("%g", c*100))
	}
	fmt.Fprintf(b, "%s\n       calls, %% of 1 fps (two a frame)\n\n", strings.TrimRight(string(axis), " "))
}

// writePoints lists a line's points, the one it comes with starred.
func writePoints(b *strings.Builder, l Line) {
	width := 0
	for j, p := range l.Points {
		star := ""
		if j == l.Default {
			star = "*"
		}
		text := fmt.Sprintf("   %s%s: %.1f / %.3f", p.Name, star, 100*p.Cost, p.Recall)
		if width+len(text) > 98 {
			b.WriteByte('\n')
			width = 0
		}
		b.WriteString(text)
		width += len(text)
	}
	b.WriteByte('\n')
}

// row returns the row of a recall, 0 for 1. What is less than a row's recall is below it, so that no point looks as if it
// reached the goal.
func row(recall float64) int {
	const slack = 1e-9 // of floating point
	return int(min(max(math.Ceil((1-recall)/recallStep-slack), 0), chartHeight-1))
}

func recallAt(row int) float64 { return 1 - recallStep*float64(row) }

// column returns the column of a cost, on a logarithmic scale.
func column(cost float64) int {
	x := math.Round((1 - math.Log(max(cost, leastCost))/math.Log(leastCost)) * (chartWidth - 1))
	return int(min(max(x, 0), chartWidth-1))
}
