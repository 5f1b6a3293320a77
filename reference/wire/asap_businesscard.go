// SPDX-License-Identifier: Apache-2.0

package wire

// BusinessCard tells the peer the pool and the preferred order of failover
// (RFC 5352 section 2.2.13).
type BusinessCard struct {
	PoolHandle PoolHandle
	Elements   []PoolElement

	skipped
}

// Protocol returns ASAP.
func (*BusinessCard) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*BusinessCard) Type() uint8 { return TypeBusinessCard }

// Name returns the RFC's name.
func (*BusinessCard) Name() string { return messageNames[ASAP][TypeBusinessCard] }
