// SPDX-License-Identifier: Apache-2.0

package wire

// EndpointUnreachable reports a pool element that cannot be reached
// (RFC 5352 section 2.2.9).
type EndpointUnreachable struct {
	PoolHandle PoolHandle
	PEID       PEID

	skipped
}

// Protocol returns ASAP.
func (*EndpointUnreachable) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*EndpointUnreachable) Type() uint8 { return TypeEndpointUnreachable }

// Name returns the RFC's name.
func (*EndpointUnreachable) Name() string { return messageNames[ASAP][TypeEndpointUnreachable] }
