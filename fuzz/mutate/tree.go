// SPDX-License-Identifier: Apache-2.0

// Package mutate makes variants of inputs. Message knows how ASAP and ENRP messages are made:
// it changes what they say and repairs the lengths around it, or breaks one length on purpose.
// Bytes knows nothing. Both depend on nothing but their arguments.
package mutate

import (
	"encoding/binary"

	"github.com/rspthreat/rspthreat/reference/wire"
)

const (
	headerLength = wire.HeaderLength
	maxDepth     = 4 // message, pool element, transport, address; operation error, cause, parameter
)

// node is a message or a parameter: header, octets, and what is nested after them.
type node struct {
	first, second byte // message: type and flags; parameter: type
	fixed         []byte
	parts         []*node
	tail          []byte // what is no parameter
	skew          int    // added to the length
}

// fixedLength returns how many octets come before the nested parameters of a parameter, -1 if
// it has none.
func fixedLength(typ wire.ParameterType) int {
	switch typ {
	case wire.ParameterSCTP, wire.ParameterTCP, wire.ParameterUDP, wire.ParameterUDPLite, wire.ParameterServerInformation:
		return 4
	case wire.ParameterDCCP:
		return 8
	case wire.ParameterPoolElement:
		return 12
	case wire.ParameterOperationError:
		return 0
	}
	return -1
}

// parse reads a message of either protocol. Which of the known layouts it has shows in its
// parameters: those of the right one fill it.
func parse(b []byte) *node {
	if len(b) < headerLength {
		return &node{tail: b}
	}
	m := &node{first: b[0], second: b[1]}
	for _, fixed := range []int{0, 4, 8, 12} {
		if headerLength+fixed > len(b) {
			break
		}
		parts, tail := parameters(b[headerLength+fixed:], 1)
		if len(tail) == 0 {
			m.fixed, m.parts = b[headerLength:headerLength+fixed], parts
			return m
		}
	}
	m.parts, m.tail = parameters(b[headerLength:], 1)
	return m
}

// parameters reads parameters as long as there are some; tail is the rest.
func parameters(b []byte, depth int) (list []*node, tail []byte) {
	for len(b) >= headerLength {
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < headerLength || n > len(b) || b[0]&0x3f != 0 {
			return list, b
		}
		list = append(list, parameter(b[:n], depth))
		b = b[min((n+3)&^3, len(b)):]
	}
	return list, b
}

func parameter(b []byte, depth int) *node {
	p := &node{first: b[0], second: b[1]}
	value := b[headerLength:]
	fixed := fixedLength(p.typ())
	if fixed < 0 || fixed > len(value) || depth == maxDepth {
		p.fixed = value
		return p
	}
	p.fixed = value[:fixed]
	p.parts, p.tail = parameters(value[fixed:], depth+1)
	return p
}

func (n *node) typ() wire.ParameterType {
	return wire.ParameterType(n.first)<<8 | wire.ParameterType(n.second)
}

func (n *node) setType(t wire.ParameterType) { n.first, n.second = byte(t>>8), byte(t) }

// append writes the node with the lengths that its contents have; the last padding does not count.
func (n *node) append(dst []byte) []byte {
	mark := len(dst)
	dst = append(dst, n.first, n.second, 0, 0)
	dst = append(dst, n.fixed...)
	end := len(dst)
	for _, p := range n.parts {
		dst = pad(dst, mark)
		start := len(dst)
		dst = p.append(dst)
		end = start + int(p.length())
	}
	if len(n.tail) > 0 {
		dst = append(pad(dst, mark), n.tail...)
		end = len(dst)
	}
	binary.BigEndian.PutUint16(dst[mark+2:], uint16(end-mark+n.skew))
	return pad(dst, mark)
}

// length returns the length of the node without its own padding and skew.
func (n *node) length() uint16 {
	total := headerLength + len(n.fixed)
	for _, p := range n.parts {
		total = (total+3)&^3 + int(p.length())
	}
	if len(n.tail) > 0 {
		total = (total+3)&^3 + len(n.tail)
	}
	return uint16(total)
}

// pad appends zeros up to a multiple of 4 octets from mark.
func pad(b []byte, mark int) []byte {
	for (len(b)-mark)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// walk returns the node and all nested ones.
func (n *node) walk(list []*node) []*node {
	list = append(list, n)
	for _, p := range n.parts {
		list = p.walk(list)
	}
	return list
}
