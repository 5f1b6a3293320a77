// SPDX-License-Identifier: Apache-2.0

package sctp

import "encoding/binary"

// outOfTheBlue returns the answer to a packet that belongs to no association,
// to a port that is ours (RFC 9260 section 8.4), or nil. Ports and checksum are
// still to be written.
func outOfTheBlue(p []byte) []byte {
	var first []byte
	for c := range chunks(p) {
		switch c[0] {
		case chunkAbort, chunkShutdownComplete, chunkError, chunkCookieAck, chunkCookieEcho:
			// A COOKIE ECHO here has a cookie of a process that is gone; it
			// is discarded like any that fails authentication.
			return nil
		}
		if first == nil {
			first = c
		}
	}
	if first == nil || (first[0] == chunkInit && !isInit(p)) {
		return nil
	}
	answer := make([]byte, minPacketLen)
	copy(answer[4:8], p[4:8])
	answer[headerLen+1], answer[headerLen+3] = flagReflected, chunkHeaderLen
	switch first[0] {
	case chunkInit:
		binary.BigEndian.PutUint32(answer[4:], initTag(p))
		answer[headerLen], answer[headerLen+1] = chunkAbort, 0
	case chunkShutdownAck:
		answer[headerLen] = chunkShutdownComplete
	default:
		answer[headerLen] = chunkAbort
	}
	return answer
}
