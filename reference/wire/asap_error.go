// SPDX-License-Identifier: Apache-2.0

package wire

// ASAPError reports unknown messages or parameters and other errors
// (RFC 5352 section 2.2.14).
type ASAPError struct {
	Causes []Cause

	skipped
}

// Protocol returns ASAP.
func (*ASAPError) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*ASAPError) Type() uint8 { return TypeASAPError }

// Name returns the RFC's name.
func (*ASAPError) Name() string { return messageNames[ASAP][TypeASAPError] }
