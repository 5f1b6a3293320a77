// SPDX-License-Identifier: Apache-2.0

package wire

// EndpointKeepAlive asks a pool element for a sign of life
// (RFC 5352 section 2.2.7).
type EndpointKeepAlive struct {
	// NewHome is the H flag: the sender is the pool element's home from now on.
	NewHome    bool
	Server     ServerID
	PoolHandle PoolHandle
	// PEID is the addressed pool element if HasPEID. The RFC's message cannot
	// name one; rsplib's can. Only with Options.KeepAlivePEID.
	PEID    PEID
	HasPEID bool

	skipped
}

// Protocol returns ASAP.
func (*EndpointKeepAlive) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*EndpointKeepAlive) Type() uint8 { return TypeEndpointKeepAlive }

// Name returns the RFC's name.
func (*EndpointKeepAlive) Name() string { return messageNames[ASAP][TypeEndpointKeepAlive] }
