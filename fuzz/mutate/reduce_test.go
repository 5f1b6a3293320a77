// SPDX-License-Identifier: Apache-2.0

package mutate_test

import (
	"bytes"
	"testing"

	"github.com/rspthreat/rspthreat/fuzz/mutate"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestReductionsLeadToTheSmallestMessage: taking the first that keeps a property, again and again,
// ends with what the property needs, and each is simpler than what it is made of.
func TestReductionsLeadToTheSmallestMessage(t *testing.T) {
	b, err := wire.Encode(&wire.HandleResolution{PoolHandle: wire.PoolHandle("a pool with a long name")})
	if err != nil {
		t.Fatal(err)
	}
	needs := func(b []byte) bool {
		return len(b) > 0 && b[0] == wire.TypeHandleResolution && bytes.Contains(b, []byte{0, 9})
	}
	steps := 0
	for again := true; again; steps++ {
		again = false
		for _, smaller := range mutate.Reductions(b) {
			if bytes.Equal(smaller, b) || len(smaller) > len(b) {
				t.Fatalf("%x is no reduction of %x", smaller, b)
			}
			if needs(smaller) {
				b, again = smaller, true
				break
			}
		}
		if steps > 100 {
			t.Fatalf("no end: %x", b)
		}
	}
	if want := []byte{wire.TypeHandleResolution, 0, 0, 8, 0, 9, 0, 4}; !bytes.Equal(b, want) {
		t.Errorf("%x, want %x", b, want)
	}
}
