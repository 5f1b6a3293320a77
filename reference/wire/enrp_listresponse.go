// SPDX-License-Identifier: Apache-2.0

package wire

// ListResponse lists the known servers
// (RFC 5353 section 2.6).
type ListResponse struct {
	Sender, Receiver ServerID
	// Reject is the R flag; then there are no servers.
	Reject  bool
	Servers []ServerInformation

	skipped
}

// Protocol returns ENRP.
func (*ListResponse) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*ListResponse) Type() uint8 { return TypeListResponse }

// Name returns the RFC's name.
func (*ListResponse) Name() string { return messageNames[ENRP][TypeListResponse] }
