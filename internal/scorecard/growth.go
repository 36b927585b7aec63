package scorecard

import (
	"fmt"
	"math"
	"strings"

	"spotter/internal/scorecard/record"
)

// bent is the exponent from which a step of a curve is called more than linear: a tenth above 1 is within the noise of a
// figure that was taken a few times.
const bent = 1.15

// growth reports whether the curve is of how cost grows.
func (c *curve) growth() bool { return strings.HasPrefix(c.Group, record.Growth) }

// exponent is that of the power that a step of a curve follows: 0 where it is flat, 1 where it is in proportion.
func exponent(a, b *Figure) float64 {
	if a.Value <= 0 || b.Value <= 0 || a.X == b.X {
		return 0
	}
	return math.Log(b.Value/a.Value) / math.Log(b.X/a.X)
}

// Growth says of a curve how it grows from end to end, and where it is more than linear.
func (c *curve) Growth() string {
	if len(c.Points) < 2 {
		return ""
	}
	first, last := &c.Points[0], &c.Points[len(c.Points)-1]
	text := fmt.Sprintf("%s: %s times for %s times the %s", c.Name, number(ratio(last.Value, first.Value)), number(last.X/first.X), c.Axis)
	for i := 1; i < len(c.Points); i++ {
		if e := exponent(&c.Points[i-1], &c.Points[i]); e > bent {
			return text + fmt.Sprintf("; more than linear from %s to %s (power %.2f).", number(c.Points[i-1].X), number(c.Points[i].X), e)
		}
	}
	switch e := exponent(first, last); {
	case e < 0.1:
		return text + ", about flat."
	case e < 0.9:
		return text + ", less than linear throughout."
	}
	return text + ", linear throughout."
}

// Note is the first of the notes on a curve's points.
func (c *curve) Note() string {
	for _, p := range c.Points {
		if p.Note != "" {
			return p.Note
		}
	}
	return ""
}

// number writes a figure with three digits, and large ones with their thousands marked.
func number(v float64) string {
	switch a := math.Abs(v); {
	case v == 0:
		return "0"
	case a < 0.001:
		return fmt.Sprintf("%.2g", v)
	case a < 0.995:
		return fmt.Sprintf("%.3f", v)
	case a < 9.995:
		return trimmed(fmt.Sprintf("%.2f", v))
	case a < 99.95:
		return trimmed(fmt.Sprintf("%.1f", v))
	}
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func trimmed(text string) string { return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") }
