// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"encoding/binary"
	"net/netip"
)

// Offsets in a packet whose first chunk is INIT or INIT ACK (RFC 9260 section 3.3.2).
const (
	initLengthAt  = headerLen + 2
	initTagAt     = headerLen + 4
	initStreamsAt = headerLen + 14 // number of inbound streams
	initParamsAt  = headerLen + 20
)

// Parameters of INIT and INIT ACK that the engine does not know although their
// type bits say that a chunk with an unknown one is not to be processed.
const (
	paramIPv4               = 5
	paramIPv6               = 6
	paramCookiePreservative = 9
	paramHostName           = 11
	paramAddressTypes       = 12 // Linux always sends it
)

// isInit reports whether p is a whole INIT or INIT ACK, alone in its packet as
// it must be.
func isInit(p []byte) bool {
	if len(p) < initParamsAt || (p[headerLen] != chunkInit && p[headerLen] != chunkInitAck) {
		return false
	}
	n := int(binary.BigEndian.Uint16(p[initLengthAt:]))
	return headerLen+n >= initParamsAt && headerLen+n <= len(p) && headerLen+pad4(n) >= len(p)
}

// initTag returns the initiate tag of an INIT or INIT ACK.
func initTag(p []byte) uint32 { return binary.BigEndian.Uint32(p[initTagAt:]) }

// inboundStreams returns how many streams the sender of an INIT or INIT ACK takes.
func inboundStreams(p []byte) uint16 { return binary.BigEndian.Uint16(p[initStreamsAt:]) }

// limitStreams makes an INIT or INIT ACK of the engine, which always takes 65535
// streams, take n.
func limitStreams(p []byte, n uint16) { binary.BigEndian.PutUint16(p[initStreamsAt:], n) }

// parameters calls f for each parameter of an INIT or INIT ACK, with its header
// and padding; n is its length without padding. It reports whether all were whole.
func parameters(p []byte, f func(typ uint16, b []byte, n int)) bool {
	end := headerLen + int(binary.BigEndian.Uint16(p[initLengthAt:]))
	for at := initParamsAt; at < end; {
		if end-at < 4 {
			return false
		}
		n := int(binary.BigEndian.Uint16(p[at+2:]))
		if n < 4 || at+n > end {
			return false
		}
		next := min(at+pad4(n), len(p))
		f(binary.BigEndian.Uint16(p[at:]), p[at:next], n)
		at = next
	}
	return true
}

// initAddresses returns the addresses listed in an INIT or INIT ACK.
func initAddresses(p []byte) []netip.Addr {
	var found []netip.Addr
	parameters(p, func(typ uint16, b []byte, n int) {
		if (typ == paramIPv4 && n == 8) || (typ == paramIPv6 && n == 20) {
			a, _ := netip.AddrFromSlice(b[4:n])
			found = append(found, a.Unmap())
		}
	})
	return found
}

// sanitizeInit removes from an INIT or INIT ACK, in place, the parameters that
// would make the engine ignore it without a word. A chunk that is not well
// formed stays as it is, for the engine to refuse. The checksum has to be
// written anew.
func sanitizeInit(p []byte) []byte {
	end, last := initParamsAt, initParamsAt
	kept := make([]byte, 0, len(p))
	whole := parameters(p, func(typ uint16, b []byte, n int) {
		switch typ {
		case paramIPv4, paramIPv6, paramCookiePreservative, paramHostName, paramAddressTypes:
		default:
			kept = append(kept, b...)
			last = end + n
			end += len(b)
		}
	})
	if !whole {
		return p
	}
	copy(p[initParamsAt:], kept)
	binary.BigEndian.PutUint16(p[initLengthAt:], uint16(last-headerLen))
	return p[:end]
}
