// SPDX-License-Identifier: Apache-2.0

package wire

// RegistrationResponse answers a Registration
// (RFC 5352 section 2.2.3).
type RegistrationResponse struct {
	// Reject is the R flag. Without it, causes are only a warning.
	Reject     bool
	PoolHandle PoolHandle
	PEID       PEID
	// Causes is empty if there is no Operation Error parameter.
	Causes []Cause

	skipped
}

// Protocol returns ASAP.
func (*RegistrationResponse) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*RegistrationResponse) Type() uint8 { return TypeRegistrationResponse }

// Name returns the RFC's name.
func (*RegistrationResponse) Name() string { return messageNames[ASAP][TypeRegistrationResponse] }
