// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"bytes"
	"encoding/binary"
)

// heartbeatInfo is the type of the only parameter of HEARTBEAT (RFC 9260
// section 3.3.6).
const heartbeatInfo = 1

// nonceLen is the length of what our HEARTBEATs carry. It must not be 8: the
// engine takes 8 octets in an acknowledgement for a time of its own.
const nonceLen = 16

// appendHeartbeat appends a packet with a HEARTBEAT; its ports and checksum are
// still to be written.
func appendHeartbeat(dst []byte, tag uint32, nonce *[nonceLen]byte) []byte {
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, tag)
	dst = append(dst, 0, 0, 0, 0)
	dst = append(dst, chunkHeartbeat, 0, 0, chunkHeaderLen+4+nonceLen)
	dst = append(dst, 0, heartbeatInfo, 0, 4+nonceLen)
	return append(dst, nonce[:]...)
}

// acknowledges reports whether a HEARTBEAT ACK chunk carries the nonce.
func acknowledges(chunk []byte, nonce *[nonceLen]byte) bool {
	return len(chunk) == chunkHeaderLen+4+nonceLen && bytes.Equal(chunk[chunkHeaderLen+4:], nonce[:])
}

// isEmptyHeartbeat reports whether a packet of the engine is a HEARTBEAT without
// its parameter: it says that for want of one, when its probe timer fires with
// nothing outstanding.
func isEmptyHeartbeat(packet []byte) bool {
	return len(packet) == headerLen+chunkHeaderLen && packet[headerLen] == chunkHeartbeat
}
