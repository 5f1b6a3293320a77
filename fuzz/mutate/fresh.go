// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// anyType returns a parameter type: mostly a known one, else an unknown one with any of the four
// action bits.
func anyType(r *rand.Rand) wire.ParameterType {
	switch r.IntN(8) {
	case 0:
		return wire.ParameterType(r.IntN(4))<<14 | wire.ParameterType(r.IntN(64))
	case 1:
		return wire.ParameterHandleResolution
	}
	return wire.ParameterIPv4 + wire.ParameterType(r.IntN(int(wire.ParameterOpaque)))
}

// words are values at which fields break.
var words = []uint32{
	0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
	uint32(wire.LeastUsed), uint32(wire.LeastUsedDegradation), uint32(wire.PriorityLeastUsed), uint32(wire.RandomizedLeastUsed),
}

func anyWord(r *rand.Rand) uint32 {
	if r.IntN(4) == 0 {
		return r.Uint32()
	}
	return words[r.IntN(len(words))]
}

// fresh returns a parameter of the type as the RFC has it, if it is known.
func fresh(r *rand.Rand, t wire.ParameterType) *node {
	n := &node{}
	n.setType(t)
	switch t {
	case wire.ParameterIPv4, wire.ParameterPEIdentifier, wire.ParameterHandleResolution:
		n.fixed = octets(r, 4)
	case wire.ParameterIPv6:
		n.fixed = octets(r, 16)
	case wire.ParameterPEChecksum:
		n.fixed = octets(r, 2)
	case wire.ParameterPolicy:
		n.fixed = binary.BigEndian.AppendUint32(nil, anyWord(r))
		n.fixed = append(n.fixed, octets(r, 4*r.IntN(3))...)
	case wire.ParameterSCTP, wire.ParameterTCP, wire.ParameterUDP, wire.ParameterUDPLite, wire.ParameterDCCP:
		n.fixed = make([]byte, fixedLength(t))
		n.fixed[1] = 7 // port
		n.parts = []*node{fresh(r, wire.ParameterIPv4+wire.ParameterType(r.IntN(2)))}
	case wire.ParameterPoolElement:
		n.fixed = octets(r, 12)
		n.fixed[8] = 0 // a life that is not negative
		n.parts = []*node{fresh(r, wire.ParameterSCTP), {second: byte(wire.ParameterPolicy), fixed: []byte{0, 0, 0, 1}}}
	case wire.ParameterServerInformation:
		n.fixed = octets(r, 4)
		n.parts = []*node{fresh(r, wire.ParameterSCTP)}
	case wire.ParameterOperationError:
		n.parts = []*node{{second: byte(r.IntN(int(wire.CauseSecurity) + 2)), fixed: octets(r, 4*r.IntN(2))}}
	default:
		n.fixed = octets(r, r.IntN(12))
	}
	return n
}

func octets(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
