// SPDX-License-Identifier: Apache-2.0

package wire

// Deregistration asks a server to remove a pool element
// (RFC 5352 section 2.2.2).
type Deregistration struct {
	PoolHandle PoolHandle
	PEID       PEID

	skipped
}

// Protocol returns ASAP.
func (*Deregistration) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*Deregistration) Type() uint8 { return TypeDeregistration }

// Name returns the RFC's name.
func (*Deregistration) Name() string { return messageNames[ASAP][TypeDeregistration] }
