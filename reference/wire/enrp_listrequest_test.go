// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestListRequest(t *testing.T) {
	checkVector(t, "E05", Strict(), &ListRequest{Sender: peerServer, Receiver: ownServer})
	checkRefused(t, ENRP, Strict(), rawENRP(TypeListRequest).Add(rawInformation()), ErrOrder,
		"ENRP_LIST_REQUEST: server information at 12: 0xb: not allowed here")
}
