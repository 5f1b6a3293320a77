// SPDX-License-Identifier: Apache-2.0

package wire

// Registration asks a server to add a pool element to a pool
// (RFC 5352 section 2.2.1).
type Registration struct {
	PoolHandle PoolHandle
	Element    PoolElement

	skipped
}

// Protocol returns ASAP.
func (*Registration) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*Registration) Type() uint8 { return TypeRegistration }

// Name returns the RFC's name.
func (*Registration) Name() string { return messageNames[ASAP][TypeRegistration] }
