// SPDX-License-Identifier: Apache-2.0

package wire

// DeregistrationResponse answers a Deregistration or tells that
// the registration has expired. There is no reject flag: causes mean refusal
// (RFC 5352 section 2.2.4).
type DeregistrationResponse struct {
	PoolHandle PoolHandle
	PEID       PEID
	Causes     []Cause

	skipped
}

// Protocol returns ASAP.
func (*DeregistrationResponse) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*DeregistrationResponse) Type() uint8 { return TypeDeregistrationResponse }

// Name returns the RFC's name.
func (*DeregistrationResponse) Name() string { return messageNames[ASAP][TypeDeregistrationResponse] }
