// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestENRPError(t *testing.T) {
	checkVector(t, "E0a", Strict(), &ENRPError{Sender: peerServer, Receiver: ownServer, Causes: []Cause{
		{CauseInvalidValues, RawParameter(ParameterPEIdentifier).Put32(0).Bytes()},
	}})
}

func TestENRPErrorNeedsACause(t *testing.T) {
	checkRefused(t, ENRP, Strict(), rawENRP(TypeENRPError), ErrMissing, "ENRP_ERROR: operation error at 12: 0xc: missing")
	empty := rawENRP(TypeENRPError).Add(RawParameter(ParameterOperationError))
	checkRefused(t, ENRP, Strict(), empty, ErrLength, "ENRP_ERROR: operation error at 12: length 0x4: wrong length")
	checkDecodes(t, Lenient(), empty, &ENRPError{Sender: peerServer, Receiver: ownServer, Causes: []Cause{{Code: CauseUnspecified}}})
	checkNotEncoded(t, Strict(), &ENRPError{Sender: peerServer, Receiver: ownServer}, ErrMissing, "encode ENRP_ERROR: operation error: count 0x0: missing")
}
