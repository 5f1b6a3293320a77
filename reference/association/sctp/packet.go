// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"encoding/binary"
	"hash/crc32"
	"iter"
)

// Lengths in octets (RFC 9260 section 3).
const (
	headerLen      = 12 // ports, verification tag, checksum
	chunkHeaderLen = 4  // type, flags, length
	minPacketLen   = headerLen + chunkHeaderLen
	// maxPacketLen is what the engine reads of a packet; the rest would be cut off.
	maxPacketLen = 8192
)

// Chunk types (RFC 9260 section 3.2).
const (
	chunkData             = 0
	chunkInit             = 1
	chunkInitAck          = 2
	chunkSack             = 3
	chunkHeartbeat        = 4
	chunkHeartbeatAck     = 5
	chunkAbort            = 6
	chunkShutdown         = 7
	chunkShutdownAck      = 8
	chunkError            = 9
	chunkCookieEcho       = 10
	chunkCookieAck        = 11
	chunkShutdownComplete = 14
)

// flagReflected is the T bit of ABORT and SHUTDOWN COMPLETE: the verification
// tag is the receiver's own, sent back.
const flagReflected = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sourcePort(p []byte) uint16      { return binary.BigEndian.Uint16(p) }
func destinationPort(p []byte) uint16 { return binary.BigEndian.Uint16(p[2:]) }
func verificationTag(p []byte) uint32 { return binary.BigEndian.Uint32(p[4:]) }

// seal writes the ports and the checksum of a packet (RFC 9260 section 6.8).
func seal(p []byte, src, dst uint16) {
	binary.BigEndian.PutUint16(p, src)
	binary.BigEndian.PutUint16(p[2:], dst)
	binary.LittleEndian.PutUint32(p[8:], 0)
	binary.LittleEndian.PutUint32(p[8:], crc32.Checksum(p, castagnoli))
}

// intact reports whether the checksum of a packet is right.
func intact(p []byte) bool {
	var zero [4]byte
	sum := crc32.Checksum(p[:8], castagnoli)
	sum = crc32.Update(sum, castagnoli, zero[:])
	sum = crc32.Update(sum, castagnoli, p[headerLen:])
	return sum == binary.LittleEndian.Uint32(p[8:])
}

// chunks yields the chunks of a packet with their headers, without padding, and
// stops at the first whose length is wrong.
func chunks(p []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for b := p[headerLen:]; len(b) >= chunkHeaderLen; {
			n := int(binary.BigEndian.Uint16(b[2:]))
			if n < chunkHeaderLen || n > len(b) || !yield(b[:n]) {
				return
			}
			b = b[min(pad4(n), len(b)):]
		}
	}
}

// pad4 rounds up to a multiple of 4.
func pad4(n int) int { return (n + 3) &^ 3 }
