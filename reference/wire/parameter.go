// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"slices"
)

// ParameterType is the type field of a parameter (RFC 5354 section 3).
type ParameterType = uint16

// Parameter types (RFC 5354 table 1) and the one extension in use.
//
// Table 1 runs to 0xfffffffe although the field has 16 bits; the section's
// text (0 to 65534, 65535 reserved) is what counts here. Both reserved values
// are unknown types and treated by their action bits.
const (
	ParameterIPv4              ParameterType = 0x0001
	ParameterIPv6              ParameterType = 0x0002
	ParameterDCCP              ParameterType = 0x0003
	ParameterSCTP              ParameterType = 0x0004
	ParameterTCP               ParameterType = 0x0005
	ParameterUDP               ParameterType = 0x0006
	ParameterUDPLite           ParameterType = 0x0007
	ParameterPolicy            ParameterType = 0x0008
	ParameterPoolHandle        ParameterType = 0x0009
	ParameterPoolElement       ParameterType = 0x000a
	ParameterServerInformation ParameterType = 0x000b
	ParameterOperationError    ParameterType = 0x000c
	ParameterCookie            ParameterType = 0x000d
	ParameterPEIdentifier      ParameterType = 0x000e
	ParameterPEChecksum        ParameterType = 0x000f
	ParameterOpaque            ParameterType = 0x0010
	// ParameterHandleResolution is the Handle Resolution Option of
	// draft-dreibholz-rserpool-asap-hropt, see Options.HandleResolutionOption.
	ParameterHandleResolution ParameterType = 0x803f
)

// The experimental extensions for draft-ietf-rserpool-threats-15 section 2.17, see
// reference/EXTENSIONS.md. RFC 5354 sets no range aside for experiments: these are the
// last types that a receiver which does not know them skips without a report, because
// the IANA assigns from the other end. Each is known in its place only; elsewhere it is
// an unknown parameter like any other.
const (
	// ParameterSignedPolicy is the last part of a pool element, see SignedPolicy.
	ParameterSignedPolicy ParameterType = 0xbffd
	// ParameterSelectionTicket is the last part of a HandleResolutionResponse, see SelectionTicket.
	ParameterSelectionTicket ParameterType = 0xbffe
	// ParameterSelectionList is the last part of a SelectionProof.
	ParameterSelectionList ParameterType = 0xbfff
)

// Action bits of a parameter type: what a receiver that does not know the type
// must do (RFC 5354 section 3).
const (
	actionSkip   ParameterType = 0x8000 // skip this parameter and go on, else discard the message
	actionReport ParameterType = 0x4000 // and report it to the sender
)

var parameterNames = [...]string{
	"parameter", "IPv4 address", "IPv6 address", "DCCP transport", "SCTP transport",
	"TCP transport", "UDP transport", "UDP-Lite transport", "policy", "pool handle", "pool element",
	"server information", "operation error", "cookie", "PE identifier", "PE checksum", "opaque transport",
}

// ParameterName returns the lower-case name of a parameter type, or its number.
func ParameterName(t ParameterType) string {
	switch {
	case int(t) < len(parameterNames):
		return parameterNames[t]
	case t == ParameterHandleResolution:
		return "handle resolution option"
	case t == ParameterSignedPolicy:
		return "signed policy"
	case t == ParameterSelectionTicket:
		return "selection ticket"
	case t == ParameterSelectionList:
		return "selection list"
	}
	return fmt.Sprintf("parameter 0x%04x", t)
}

// Parameter is an uninterpreted parameter: its type and its value without
// header and padding.
type Parameter struct {
	Type  ParameterType
	Value []byte
}

// Skip reports whether a receiver that does not know the parameter skips it
// and goes on (action bits 10 and 11) rather than discard the message.
func (p Parameter) Skip() bool { return p.Type&actionSkip != 0 }

// Report reports whether a receiver that does not know the parameter reports
// it to the sender (action bits 01 and 11).
func (p Parameter) Report() bool { return p.Type&actionReport != 0 }

// skipped is embedded in every message and remembers what its decoder skipped.
type skipped struct{ parameters []Parameter }

// Unrecognized returns the parameters of unknown type that the last Decode
// skipped, in their order, at most Options.MaxUnrecognized of them. Those with
// Report true are owed an "unrecognized parameter" error cause, see
// [CauseOfParameter].
func (s *skipped) Unrecognized() []Parameter { return s.parameters }

// clone returns a deep copy.
func (s *skipped) clone() skipped {
	c := slices.Clone(s.parameters)
	for i := range c {
		c[i].Value = slices.Clone(c[i].Value)
	}
	return skipped{c}
}
