// SPDX-License-Identifier: Apache-2.0

package wire

// HandleResolutionResponse lists the pool elements of a pool, or
// refuses with causes
// (RFC 5352 section 2.2.6).
type HandleResolutionResponse struct {
	// UpdatesAccepted is the A flag.
	UpdatesAccepted bool
	PoolHandle      PoolHandle
	// Policy is the pool's policy; RoundRobin after decoding a response
	// without one (HasPolicy false).
	Policy    Policy
	HasPolicy bool
	Elements  []PoolElement
	// Causes present means a negative response, without policy and elements.
	Causes []Cause

	skipped
}

// Protocol returns ASAP.
func (*HandleResolutionResponse) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*HandleResolutionResponse) Type() uint8 { return TypeHandleResolutionResponse }

// Name returns the RFC's name.
func (*HandleResolutionResponse) Name() string {
	return messageNames[ASAP][TypeHandleResolutionResponse]
}
