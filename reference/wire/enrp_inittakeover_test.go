// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestInitTakeover(t *testing.T) {
	checkVector(t, "E07", Strict(), &InitTakeover{Sender: peerServer, Target: 0x99})
}

func TestInitTakeoverNeedsATarget(t *testing.T) {
	checkRefused(t, ENRP, Strict(), rawENRP(TypeInitTakeover), ErrTruncated, "ENRP_INIT_TAKEOVER: message at 12: target's ID 0x0: truncated")
	checkRefused(t, ENRP, Strict(), rawENRP(TypeInitTakeover).Put32(0), ErrValue, "ENRP_INIT_TAKEOVER: message at 12: target's ID 0x0: illegal value")
	checkNotEncoded(t, Strict(), &InitTakeover{Sender: 1}, ErrValue, "encode ENRP_INIT_TAKEOVER: message: target's ID 0x0: illegal value")
}
