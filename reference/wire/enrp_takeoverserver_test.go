// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestTakeoverServer(t *testing.T) {
	checkVector(t, "E09", Strict(), &TakeoverServer{Sender: peerServer, Target: 0x99})
}

func TestTakeoverServerNeedsATarget(t *testing.T) {
	checkRefused(t, ENRP, Strict(), rawENRP(TypeTakeoverServer), ErrTruncated, "ENRP_TAKEOVER_SERVER: message at 12: target's ID 0x0: truncated")
	checkRefused(t, ENRP, Strict(), rawENRP(TypeTakeoverServer).Put32(0), ErrValue, "ENRP_TAKEOVER_SERVER: message at 12: target's ID 0x0: illegal value")
	checkNotEncoded(t, Strict(), &TakeoverServer{Sender: 1}, ErrValue, "encode ENRP_TAKEOVER_SERVER: message: target's ID 0x0: illegal value")
}
