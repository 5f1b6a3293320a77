// SPDX-License-Identifier: Apache-2.0

package wire

// LifeInfinite is the registration life that never ends (RFC 5354 section 3.10).
const LifeInfinite int32 = -1

// PoolElement describes one pool element (RFC 5354 section 3.10).
type PoolElement struct {
	ID PEID
	// Home is the server that owns the pool element, 0 if undetermined.
	Home ServerID
	// Life is the registration life in seconds, LifeInfinite for no end.
	Life   int32
	User   Transport
	Policy Policy
	// ASAP is where the pool element takes ASAP messages; always SCTP. It is
	// filled in by the server (RFC 5352 section 3.1) and present if HasASAP.
	ASAP    Transport
	HasASAP bool
}
