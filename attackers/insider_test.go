// SPDX-License-Identifier: Apache-2.0

package attackers_test

import (
	"testing"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestChecksumOfTheInsider: the sums were read from rsplib's wire, and a twin does not
// change them.
func TestChecksumOfTheInsider(t *testing.T) {
	for _, row := range []struct {
		pool string
		ids  []wire.PEID
		want uint16
	}{
		{"EchoPool", nil, 0xffff},
		{"EchoPool", []wire.PEID{0x12345678}, 0x29a5},
		{"EchoPool", []wire.PEID{attackers.Twin(0x12345678)}, 0x29a5},
	} {
		if got := attackers.Checksum(row.pool, row.ids...); got != row.want {
			t.Errorf("%s %v: 0x%04x, want 0x%04x", row.pool, row.ids, got, row.want)
		}
	}
	if twin := attackers.Twin(0x12345678); twin != 0x56781234 {
		t.Errorf("twin %s", twin)
	}
}
