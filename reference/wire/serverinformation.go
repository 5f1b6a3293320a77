// SPDX-License-Identifier: Apache-2.0

package wire

// ServerInformation describes an ENRP server (RFC 5354 section 3.11).
type ServerInformation struct {
	ID ServerID
	// Transport is always SCTP.
	Transport Transport
}
