// SPDX-License-Identifier: Apache-2.0

package association

import "testing"

// TestDialsFromOneAddressHavePortsOfTheirOwn: a peer tells associations apart by address and SCTP
// ports, so two dials with the same ones would be one association to it.
func TestDialsFromOneAddressHavePortsOfTheirOwn(t *testing.T) {
	const dials = 200 // of 16384 ports at random, two would be the same in two of three runs
	for _, tr := range everyTransport {
		if !tr.IsSCTP() {
			continue
		}
		t.Run(string(tr), func(t *testing.T) {
			b := newBed(t, tr, "clear")
			seen := map[uint16]bool{}
			for range dials {
				_, server := b.dial(t)
				port := server.Info().Remote.Port()
				if seen[port] {
					t.Fatalf("port %d is there twice", port)
				}
				seen[port] = true
			}
		})
	}
}
