// SPDX-License-Identifier: Apache-2.0

package wire

// HandleTableResponse carries a part of the handlespace
// (RFC 5353 section 2.3).
type HandleTableResponse struct {
	Sender, Receiver ServerID
	// Reject is the R flag; then there are no pools.
	Reject bool
	// More is the M flag: ask again for the rest.
	More  bool
	Pools []PoolEntry

	skipped
}

// Protocol returns ENRP.
func (*HandleTableResponse) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*HandleTableResponse) Type() uint8 { return TypeHandleTableResponse }

// Name returns the RFC's name.
func (*HandleTableResponse) Name() string { return messageNames[ENRP][TypeHandleTableResponse] }

// PoolEntry is a pool with its pool elements, at least one.
type PoolEntry struct {
	PoolHandle PoolHandle
	Elements   []PoolElement
}
