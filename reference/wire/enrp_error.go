// SPDX-License-Identifier: Apache-2.0

package wire

// ENRPError reports an error to a peer server
// (RFC 5353 section 2.10).
type ENRPError struct {
	Sender, Receiver ServerID
	Causes           []Cause

	skipped
}

// Protocol returns ENRP.
func (*ENRPError) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*ENRPError) Type() uint8 { return TypeENRPError }

// Name returns the RFC's name.
func (*ENRPError) Name() string { return messageNames[ENRP][TypeENRPError] }
