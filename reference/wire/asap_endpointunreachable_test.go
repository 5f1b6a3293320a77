// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestEndpointUnreachableNamesAPoolElement(t *testing.T) {
	checkVector(t, "A09", Strict(), &EndpointUnreachable{PoolHandle: testHandle, PEID: testPE})
}

func TestEndpointUnreachableNeedsHandleAndPEID(t *testing.T) {
	checkRefused(t, ASAP, Strict(), RawMessage(TypeEndpointUnreachable).Add(rawHandle()), ErrMissing,
		"ASAP_ENDPOINT_UNREACHABLE: PE identifier at 16: 0xe: missing")
	checkRefused(t, ASAP, Strict(), RawMessage(TypeEndpointUnreachable).Add(rawPEID()), ErrMissing,
		"ASAP_ENDPOINT_UNREACHABLE: pool handle at 12: 0x9: missing")
	checkNotEncoded(t, Strict(), &EndpointUnreachable{PEID: testPE}, ErrMissing,
		"encode ASAP_ENDPOINT_UNREACHABLE: pool handle: 0x0: missing")
}

func TestEndpointUnreachableHasNoCauses(t *testing.T) {
	checkRefused(t, ASAP, Strict(), RawMessage(TypeEndpointUnreachable).Add(rawHandle(), rawPEID(), rawError(CauseSecurity)), ErrOrder,
		"ASAP_ENDPOINT_UNREACHABLE: operation error at 24: 0xc: not allowed here")
}
