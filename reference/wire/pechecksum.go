// SPDX-License-Identifier: Apache-2.0

package wire

import "encoding/binary"

// checksum decodes a PE Checksum parameter (RFC 5354 section 3.15). Its length
// is 6, the two bytes after the checksum are padding.
func (r *reader) checksum(t tlv) uint16 {
	if t.end-t.pos != 2 {
		r.fail(t.at, "PE checksum", "length", uint64(t.end-t.at), ErrLength)
		return 0
	}
	return binary.BigEndian.Uint16(r.b[t.pos:])
}

// checksum encodes a PE Checksum parameter.
func (w *writer) checksum(sum uint16) {
	mark := w.open(ParameterPEChecksum)
	w.word16(sum)
	w.end(mark, "PE checksum")
}
