// SPDX-License-Identifier: Apache-2.0

package wire

// InitTakeoverAck agrees to a takeover
// (RFC 5353 section 2.8).
type InitTakeoverAck struct {
	Sender, Receiver ServerID
	Target           ServerID

	skipped
}

// Protocol returns ENRP.
func (*InitTakeoverAck) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*InitTakeoverAck) Type() uint8 { return TypeInitTakeoverAck }

// Name returns the RFC's name.
func (*InitTakeoverAck) Name() string { return messageNames[ENRP][TypeInitTakeoverAck] }
