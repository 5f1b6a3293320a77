// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestInitTakeoverAck(t *testing.T) {
	checkVector(t, "E08", Strict(), &InitTakeoverAck{Sender: peerServer, Receiver: ownServer, Target: 0x99})
}

func TestInitTakeoverAckNeedsATarget(t *testing.T) {
	checkRefused(t, ENRP, Strict(), rawENRP(TypeInitTakeoverAck), ErrTruncated, "ENRP_INIT_TAKEOVER_ACK: message at 12: target's ID 0x0: truncated")
	checkRefused(t, ENRP, Strict(), rawENRP(TypeInitTakeoverAck).Put32(0), ErrValue, "ENRP_INIT_TAKEOVER_ACK: message at 12: target's ID 0x0: illegal value")
	checkNotEncoded(t, Strict(), &InitTakeoverAck{Sender: 1}, ErrValue, "encode ENRP_INIT_TAKEOVER_ACK: message: target's ID 0x0: illegal value")
}
