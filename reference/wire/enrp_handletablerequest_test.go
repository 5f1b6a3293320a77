// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestHandleTableRequest(t *testing.T) {
	checkVector(t, "E02", Strict(), &HandleTableRequest{Sender: peerServer, Receiver: ownServer, OwnChildrenOnly: true})
}

func TestHandleTableRequestHasNoParameters(t *testing.T) {
	raw := rawENRP(TypeHandleTableRequest).Add(rawHandle())
	checkRefused(t, ENRP, Strict(), raw, ErrOrder, "ENRP_HANDLE_TABLE_REQUEST: pool handle at 12: 0x9: not allowed here")
}
