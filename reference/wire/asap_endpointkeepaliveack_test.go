// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestEndpointKeepAliveAckNamesAPoolElement(t *testing.T) {
	checkVector(t, "A08", Strict(), &EndpointKeepAliveAck{PoolHandle: testHandle, PEID: testPE})
}

func TestEndpointKeepAliveAckNeedsHandleAndPEID(t *testing.T) {
	checkRefused(t, ASAP, Strict(), RawMessage(TypeEndpointKeepAliveAck).Add(rawHandle()), ErrMissing,
		"ASAP_ENDPOINT_KEEP_ALIVE_ACK: PE identifier at 16: 0xe: missing")
	checkRefused(t, ASAP, Strict(), RawMessage(TypeEndpointKeepAliveAck).Add(rawPEID()), ErrMissing,
		"ASAP_ENDPOINT_KEEP_ALIVE_ACK: pool handle at 12: 0x9: missing")
	checkNotEncoded(t, Strict(), &EndpointKeepAliveAck{PEID: testPE}, ErrMissing,
		"encode ASAP_ENDPOINT_KEEP_ALIVE_ACK: pool handle: 0x0: missing")
}

func TestEndpointKeepAliveAckHasNoCauses(t *testing.T) {
	checkRefused(t, ASAP, Strict(), RawMessage(TypeEndpointKeepAliveAck).Add(rawHandle(), rawPEID(), rawError(CauseSecurity)), ErrOrder,
		"ASAP_ENDPOINT_KEEP_ALIVE_ACK: operation error at 24: 0xc: not allowed here")
}
