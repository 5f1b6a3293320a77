// SPDX-License-Identifier: Apache-2.0

package wire

// InitTakeover announces the wish to take over the server Target
// (RFC 5353 section 2.7).
type InitTakeover struct {
	Sender, Receiver ServerID
	Target           ServerID

	skipped
}

// Protocol returns ENRP.
func (*InitTakeover) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*InitTakeover) Type() uint8 { return TypeInitTakeover }

// Name returns the RFC's name.
func (*InitTakeover) Name() string { return messageNames[ENRP][TypeInitTakeover] }
