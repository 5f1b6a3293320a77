// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestEndpointKeepAlive(t *testing.T) {
	checkVector(t, "A07", Strict(), &EndpointKeepAlive{Server: ownServer, PoolHandle: testHandle})
}

func TestEndpointKeepAliveTakesRsplibsPEIDOnRequest(t *testing.T) {
	raw := RawMessage(TypeEndpointKeepAlive).Put32(uint32(ownServer)).Add(rawHandle(), rawPEID())
	m := &EndpointKeepAlive{Server: ownServer, PoolHandle: testHandle, PEID: testPE, HasPEID: true}
	checkDecodes(t, Lenient(), raw, m)
	checkBytes(t, Rsplib(), m, raw)
	checkRefused(t, ASAP, Strict(), raw, ErrOrder, "ASAP_ENDPOINT_KEEP_ALIVE: PE identifier at 20: 0xe: not allowed here")
	checkNotEncoded(t, Strict(), m, ErrOrder, "encode ASAP_ENDPOINT_KEEP_ALIVE: PE identifier: 0x12345678: not allowed here")

	m.NewHome = true
	checkVector(t, "A07b", Rsplib(), m)
}

func TestEndpointKeepAliveNeedsServer(t *testing.T) {
	raw := RawMessage(TypeEndpointKeepAlive).Put32(0).Add(rawHandle())
	checkRefused(t, ASAP, Strict(), raw, ErrValue, "ASAP_ENDPOINT_KEEP_ALIVE: message at 4: server ID 0x0: illegal value")
	checkDecodes(t, Lenient(), raw, &EndpointKeepAlive{PoolHandle: testHandle})
	checkRefused(t, ASAP, Strict(), RawMessage(TypeEndpointKeepAlive), ErrTruncated,
		"ASAP_ENDPOINT_KEEP_ALIVE: message at 4: server ID 0x0: truncated")
	checkNotEncoded(t, Strict(), &EndpointKeepAlive{PoolHandle: testHandle}, ErrValue,
		"encode ASAP_ENDPOINT_KEEP_ALIVE: message: server ID 0x0: illegal value")
}
