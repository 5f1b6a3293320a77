// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrNoClientHello says that what came is not the beginning of TLS.
var ErrNoClientHello = errors.New("not a ClientHello")

// OfferedSuites returns the cipher suites of a ClientHello (RFC 5246 section 7.4.1.2), which
// everybody on the path can read. b begins with the header of a record.
func OfferedSuites(b []byte) ([]uint16, error) {
	const handshakeHeader = 4
	if len(b) < tlsHeader+handshakeHeader || b[0] != recordHandshake || b[tlsHeader] != clientHelloType {
		return nil, fmt.Errorf("%w: % x", ErrNoClientHello, b[:min(len(b), tlsHeader+1)])
	}
	at := tlsHeader + handshakeHeader + 2 + 32 // version, random
	if len(b) <= at {
		return nil, fmt.Errorf("%w: %d octets", ErrNoClientHello, len(b))
	}
	at += 1 + int(b[at]) // session
	if len(b) < at+2 {
		return nil, fmt.Errorf("%w: %d octets", ErrNoClientHello, len(b))
	}
	n := int(binary.BigEndian.Uint16(b[at:]))
	at += 2
	if n%2 != 0 || len(b) < at+n {
		return nil, fmt.Errorf("%w: suites of %d octets in %d", ErrNoClientHello, n, len(b))
	}
	suites := make([]uint16, 0, n/2)
	for ; n > 0; n -= 2 {
		suites = append(suites, binary.BigEndian.Uint16(b[at:]))
		at += 2
	}
	return suites, nil
}

// clientHelloType is the type of a handshake message (RFC 5246 section 7.4).
const clientHelloType = 1

// Unencrypted tells whether a cipher suite of the IANA registry leaves what it protects
// readable.
func Unencrypted(suite uint16) bool {
	switch suite {
	case NullWithNull, 0x0001, 0x0002, 0x003b, // RFC 5246
		0x002c, 0x002d, 0x002e, 0x00b0, 0x00b1, 0x00b4, 0x00b5, 0x00b8, 0x00b9, // RFC 4785, 5487: PSK
		0xc001, 0xc006, 0xc00b, 0xc010, 0xc015, 0xc039, 0xc03a, 0xc03b, // RFC 8422, 5489
		0xc0b4, 0xc0b5: // RFC 9150, TLS 1.3
		return true
	default:
		return false
	}
}
