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
	info := binary.BigEndian.AppendUint16(nil, p.Type)
	info = binary.BigEndian.AppendUint16(info, uint16(HeaderLength+len(p.Value)))
	return Cause{CauseUnrecognizedParameter, append(info, p.Value...)}
}

// CauseOfPolicy returns the cause that tells a registrant the pool's policy
// (RFC 5354 section 3.12.6). The error is an *EncodeError.
func CauseOfPolicy(p Policy) (Cause, error) {
	w := writer{o: &strict}
	w.policy(&p)
	return w.cause(CauseInconsistentPolicy)
}

// CauseOfTransport returns the cause that tells a registrant the pool's
// transport (RFC 5354 section 3.12.8). The error is an *EncodeError.
func CauseOfTransport(t Transport) (Cause, error) {
	// Which transport use a TCP transport may have is up to the pool.
	w := writer{o: &Options{TCPUse: true}}
	w.transport(&t)
	return w.cause(CauseInconsistentTransport)
}

// cause returns a cause with what has been written as its information.
func (w *writer) cause(code CauseCode) (Cause, error) {
	if w.err != nil {
		return Cause{}, w.err
	}
	return Cause{code, w.b}, nil
}

// legal reports whether code and information go together (RFC 5354 section 3.12).
func (c *Cause) legal(o *Options) bool {
	typ, isParameter := c.parameter()
	switch c.Code {
	case CauseUnrecognizedParameter, CauseInvalidValues:
		return isParameter
	case CauseUnrecognizedMessage:
		return len(c.Info) >= HeaderLength
	case CauseInconsistentPolicy:
		return isParameter && typ == ParameterPolicy
	case CauseInconsistentTransport:
		return isParameter && isTransport(typ)
	case CauseSecurity:
		return true // the section is silent about information
	}
	if c.Code > CauseSecurity {
		return o.PrivateCauses
	}
	return len(c.Info) == 0
}

// parameter returns the type of the one complete parameter that is the
// information, with or without its padding.
func (c *Cause) parameter() (typ ParameterType, ok bool) {
	if len(c.Info) < HeaderLength {
		return 0, false
	}
	n := int(binary.BigEndian.Uint16(c.Info[2:]))
	ok = n >= HeaderLength && (len(c.Info) == n || len(c.Info) == pad4(n))
	return binary.BigEndian.Uint16(c.Info), ok
}
