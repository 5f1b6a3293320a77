// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/scenarios/proof"
	"github.com/rspthreat/rspthreat/sut"
)

// TestProofDepartsFromAFalseClaim: what holds the claims against what happens can itself fail.
func TestProofDepartsFromAFalseClaim(t *testing.T) {
	t.Parallel()
	faults, err := sut.FindFaults("skip-owner-check")
	if err != nil {
		t.Fatal(err)
	}
	f := faults[0]
	f.Requirements = []string{"T2.15-R3"} // it violates T2.3-R6
	proven, departures, err := proof.Prove(t.Context(), requirements(t), f)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, d := range departures {
		said = append(said, d.String())
	}
	if len(said) != 2 || !strings.HasPrefix(said[0], "T2.3-R6@registrar is fail") || !strings.HasPrefix(said[1], "T2.15-R3@registrar is to be violated, and is pass") {
		t.Errorf("departures %q", said)
	}
	if !slices.Equal(proven.Violates, []string{"T2.3-R6@registrar"}) {
		t.Errorf("it violates %v", proven.Violates)
	}
}
