// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"fmt"
)

// HeaderLength is the length of the common message header, of a parameter
// header and of an error cause header.
const HeaderLength = 4

// MaxMessageLength is the largest value of the Message Length field.
const MaxMessageLength = 0xffff

// FrameLength returns how many bytes the message with the given common header
// occupies on a byte stream: its Message Length rounded up to a multiple of 4
// (RFC 5354 section 4), at most 65536. A Message Length below 4 is ErrLength.
func FrameLength(header [HeaderLength]byte) (int, error) {
	n := int(binary.BigEndian.Uint16(header[2:]))
	if n < HeaderLength {
		return 0, fmt.Errorf("wire: message length %d: %w", n, ErrLength)
	}
	return pad4(n), nil
}

// pad4 rounds up to a multiple of 4.
func pad4(n int) int { return (n + 3) &^ 3 }
