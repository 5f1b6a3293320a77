// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"strings"
	"testing"
	"time"
)

func TestPlotHoldsCurvesAndLimitsInItsFrame(t *testing.T) {
	v := newPlotView(Plot{
		Title: "latency", Unit: "ms", Limits: []Limit{{"promised", 120}},
		Series: []Series{{"a", []Point{{0, 1}, {2 * time.Second, 130}, {time.Second, 50}}}, {"b", []Point{{time.Second, -5}}}, {"c", nil}},
	})
	if at := v.Limits[0].Y; at <= v.Top || at >= v.Bottom {
		t.Errorf("limit at %d, outside of %d to %d", at, v.Top, v.Bottom)
	}
	s := v.Series[0]
	if s.Points != "66.0,208.7 706.0,40.1 386.0,144.7" || s.Least != "1" || s.Middle != "50" || s.Greatest != "130" || s.Beyond != "1 of 3 above promised" {
		t.Errorf("%+v", s)
	}
	if one := v.Series[1]; one.X != "386.0" || one.Y != "210.0" { // what is below zero stays in the frame
		t.Errorf("%+v", one)
	}
	if first, last := v.TicksY[0], v.TicksY[len(v.TicksY)-1]; first.Label != "0" || first.At != v.Bottom || last.At != v.Top {
		t.Errorf("ticks %+v", v.TicksY)
	}
	for _, want := range []string{"latency, in ms", "a: 3 values from 1 to 130, median 50.", "c: no values.", "Limit promised: 120."} {
		if !strings.Contains(v.Says, want) {
			t.Errorf("%q is missing in %q", want, v.Says)
		}
	}
}

func TestPlotOfNothingIsNoTrouble(t *testing.T) {
	for _, p := range []Plot{{}, {Series: []Series{{}}}, {Limits: []Limit{{}}}, {Series: []Series{{Points: []Point{{-1, 1e300}, {1 << 62, 1e-300}}}}}} {
		if v := newPlotView(p); len(v.TicksX) < 1 || len(v.TicksX) > 20 || len(v.TicksY) < 1 || len(v.TicksY) > 20 {
			t.Errorf("%+v: %d and %d ticks", p, len(v.TicksX), len(v.TicksY))
		}
	}
}
