// SPDX-License-Identifier: Apache-2.0

package wire

// TakeoverServer declares a takeover done
// (RFC 5353 section 2.9).
type TakeoverServer struct {
	Sender, Receiver ServerID
	Target           ServerID

	skipped
}

// Protocol returns ENRP.
func (*TakeoverServer) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*TakeoverServer) Type() uint8 { return TypeTakeoverServer }

// Name returns the RFC's name.
func (*TakeoverServer) Name() string { return messageNames[ENRP][TypeTakeoverServer] }
