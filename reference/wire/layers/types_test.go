// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"testing"

	"github.com/google/gopacket"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestTypeOfUnknownMessage(t *testing.T) {
	if got := TypeOf(wire.ASAP, 0x0f); got != gopacket.LayerTypeZero {
		t.Errorf("is %v", got)
	}
}
