// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestLadderPutsAttackersFirstAndWhoSpeaksToMostInTheMiddle(t *testing.T) {
	c := &Check{ID: "x", Started: start, Steps: []Step{{Kind: Baseline, Title: "one"}, {Kind: Attack, Title: "two"}}, Messages: []Message{
		{From: "registrar", To: "pe", Step: 0, Time: start}, {From: "attacker", To: "registrar", Step: 1, Time: start.Add(time.Second), Secured: true}, {From: "registrar", To: "pu", Step: 1},
	}}
	l := ladders(c)[0]
	var labels []string
	for _, n := range l.Nodes {
		labels = append(labels, n.Label)
	}
	if !slices.Equal(labels, []string{"attacker", "pe", "registrar", "pu"}) || !l.Nodes[0].Attacker || l.Nodes[2].Attacker {
		t.Errorf("nodes %+v", l.Nodes)
	}
	if len(l.Bands) != 2 || l.Bands[1].Title != "two" || l.Bands[1].Y <= l.Arrows[0].Y || l.Bands[1].Y >= l.Arrows[1].Y {
		t.Errorf("titles of steps %+v", l.Bands)
	}
	if a := l.Arrows[1]; a.X1 != l.Nodes[0].X || a.X2 != l.Nodes[2].X || !a.Secured || !a.Attack || a.After != "+1s" {
		t.Errorf("arrow %+v", a)
	}
}

// Whoever calls himself something else with every message must not make the diagram endless.
func TestLaddersAreBounded(t *testing.T) {
	c := &Check{ID: "x"}
	for i := range 250 {
		c.Messages = append(c.Messages, Message{From: fmt.Sprint("node ", i), To: "registrar", Step: -5})
	}
	parts := ladders(c)
	if len(parts) != 3 || len(parts[2].Arrows) != 50 || parts[2].First != 201 || parts[2].Last != 250 {
		t.Fatalf("%d parts", len(parts))
	}
	for _, l := range parts {
		if len(l.Nodes) != ladderNodes || l.Width > ladderGutter+ladderNodes*ladderColumn {
			t.Errorf("%d nodes, %d wide", len(l.Nodes), l.Width)
		}
	}
}
