// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The charting libraries for Go draw with style attributes and colours of their own. The page's content security policy
// refuses the former, and dark mode, print and high contrast need the page's own colours; hence these few lines.

// Measures of a plot, in units of its own; the page scales it.
const (
	plotWidth  = 720
	plotHeight = 250
	plotLeft   = 66
	plotRight  = 14
	plotTop    = 14
	plotBottom = 40
	plotTicks  = 5
	// seriesStyles is how many curves the page's style tells apart, by colour and by dashes.
	seriesStyles = 6
)

type plotView struct {
	Title, Unit    string
	Width, Height  int
	Left, Right    int
	Top, Bottom    int
	TicksX, TicksY []tick
	Limits         []limitView
	Series         []seriesView
	Says           string
}

type tick struct {
	At    int
	Label string
}

type limitView struct {
	Name, Value string
	Y, TextY    int
}

type seriesView struct {
	Name                    string
	Style                   int
	Points                  string
	X, Y                    string // of a curve of one point, which has no line
	Count                   int
	Least, Middle, Greatest string
	Beyond                  string // how often it is beyond which limit
}

func newPlotView(p Plot) plotView {
	v := plotView{
		Title: p.Title, Unit: p.Unit, Width: plotWidth, Height: plotHeight,
		Left: plotLeft, Right: plotWidth - plotRight, Top: plotTop, Bottom: plotHeight - plotBottom,
	}
	var endX time.Duration
	top := 0.0
	for _, s := range p.Series {
		for _, q := range s.Points {
			endX, top = max(endX, q.At), max(top, q.Value)
		}
	}
	for _, l := range p.Limits {
		top = max(top, l.Value)
	}
	stepY, stepX := niceStep(top/plotTicks), niceStep(endX.Seconds()/plotTicks)
	top = stepY * math.Ceil(top/stepY*1.02)
	right := math.Max(endX.Seconds(), stepX)
	x := func(d time.Duration) float64 {
		return float64(v.Left) + float64(v.Right-v.Left)*min(max(d.Seconds()/right, 0), 1)
	}
	y := func(f float64) float64 {
		return float64(v.Bottom) - float64(v.Bottom-v.Top)*min(max(f/top, 0), 1)
	}
	for t := 0.0; t <= top*1.0001; t += stepY {
		v.TicksY = append(v.TicksY, tick{int(math.Round(y(t))), number(t)})
	}
	for t := 0.0; t <= right*1.0001; t += stepX {
		v.TicksX = append(v.TicksX, tick{int(math.Round(x(time.Duration(t * float64(time.Second))))), number(t)})
	}
	for _, l := range p.Limits {
		at := int(math.Round(y(l.Value)))
		text := at - 5
		if text < v.Top+10 {
			text = at + 14
		}
		v.Limits = append(v.Limits, limitView{l.Name, number(l.Value), at, text})
	}
	for i, s := range p.Series {
		v.Series = append(v.Series, newSeriesView(s, i%seriesStyles, p.Limits, x, y))
	}
	v.Says = v.sentence()
	return v
}

func newSeriesView(s Series, style int, limits []Limit, x func(time.Duration) float64, y func(float64) float64) seriesView {
	v := seriesView{Name: s.Name, Style: style, Count: len(s.Points)}
	if len(s.Points) == 0 {
		return v
	}
	place := func(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
	var b strings.Builder
	values := make([]float64, 0, len(s.Points))
	for i, p := range s.Points {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(place(x(p.At)) + "," + place(y(p.Value)))
		values = append(values, p.Value)
	}
	v.Points = b.String()
	if len(s.Points) == 1 {
		v.X, v.Y = place(x(s.Points[0].At)), place(y(s.Points[0].Value))
	}
	slices.Sort(values)
	v.Least, v.Middle, v.Greatest = number(values[0]), number(values[len(values)/2]), number(values[len(values)-1])
	var beyond []string
	for _, l := range limits {
		n := len(values) - upper(values, l.Value)
		beyond = append(beyond, fmt.Sprintf("%d of %d above %s", n, len(values), l.Name))
	}
	v.Beyond = strings.Join(beyond, ", ")
	return v
}

// upper returns how many of the sorted values are at most limit.
func upper(values []float64, limit float64) int {
	n, _ := slices.BinarySearchFunc(values, limit, func(v, l float64) int {
		if v <= l {
			return -1
		}
		return 1
	})
	return n
}

// sentence tells those who do not see the plot what it shows.
func (v *plotView) sentence() string {
	parts := []string{v.Title + ", in " + v.Unit + ", over time."}
	for _, s := range v.Series {
		if s.Count == 0 {
			parts = append(parts, s.Name+": no values.")
			continue
		}
		parts = append(parts, fmt.Sprintf("%s: %s from %s to %s, median %s.", s.Name, plural(s.Count, "value"), s.Least, s.Greatest, s.Middle))
	}
	for _, l := range v.Limits {
		parts = append(parts, "Limit "+l.Name+": "+l.Value+".")
	}
	return strings.Join(parts, " ")
}

// niceStep rounds up to 1, 2 or 5 times a power of ten.
func niceStep(f float64) float64 {
	if f <= 0 || math.IsInf(f, 0) || math.IsNaN(f) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(f)))
	for _, m := range []float64{1, 2, 5} {
		if f <= m*power {
			return m * power
		}
	}
	return 10 * power
}

// number leaves four digits.
func number(f float64) string { return strconv.FormatFloat(f, 'g', 4, 64) }
