// SPDX-License-Identifier: Apache-2.0

package wire

// EndpointKeepAliveAck answers an EndpointKeepAlive
// (RFC 5352 section 2.2.8).
type EndpointKeepAliveAck struct {
	PoolHandle PoolHandle
	PEID       PEID

	skipped
}

// Protocol returns ASAP.
func (*EndpointKeepAliveAck) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*EndpointKeepAliveAck) Type() uint8 { return TypeEndpointKeepAliveAck }

// Name returns the RFC's name.
func (*EndpointKeepAliveAck) Name() string { return messageNames[ASAP][TypeEndpointKeepAliveAck] }
