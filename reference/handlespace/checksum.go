// SPDX-License-Identifier: Apache-2.0

package handlespace

import "github.com/rspthreat/rspthreat/reference/wire"

// home is a server that owns elements.
type home struct {
	server   wire.ServerID
	elements int
	sum      uint64 // plain sum of the 16 bit words of its elements' blocks
}

// Checksum returns the PE checksum of the elements whose home is the server
// (RFC 5353 section 3.6.2): the Internet checksum of RFC 1071 over the block of
// each element, pool handle padded with zeros to four bytes, then identifier.
// Without elements it is 0xffff.
//
// A Space keeps plain sums, which it can add to and subtract from exactly, and
// folds the carries only here. 64 bits suffice: an element adds less than 2^31,
// since a handle has less than 2^16 bytes. A sum of 32 bits, as rsplib has it,
// loses carries after some ten thousand elements.
func (s *Space) Checksum(server wire.ServerID) uint16 {
	var sum uint64
	if h := s.homes[server]; h != nil {
		sum = h.sum
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// settle counts the element for its home server.
func (s *Space) settle(e *element) {
	h := s.homes[e.pe.Home]
	if h == nil {
		h = &home{server: e.pe.Home}
		s.homes[e.pe.Home] = h
	}
	h.elements++
	h.sum += e.sum()
	e.home = h
}

// leave undoes settle.
func (s *Space) leave(e *element) {
	e.home.sum -= e.sum()
	if e.home.elements--; e.home.elements == 0 {
		delete(s.homes, e.home.server)
	}
}

// sum is what the element adds to the sum of its home.
func (e *element) sum() uint64 {
	return e.pool.sum + uint64(e.pe.ID>>16) + uint64(e.pe.ID&0xffff)
}

// blockSum adds up b as 16 bit big endian words, padded with a zero byte.
func blockSum(b []byte) (sum uint64) {
	for i, c := range b {
		if i%2 == 0 {
			sum += uint64(c) << 8
		} else {
			sum += uint64(c)
		}
	}
	return sum
}
