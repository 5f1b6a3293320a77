// SPDX-License-Identifier: Apache-2.0

package model

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/rspthreat/rspthreat/fuzz/mutate"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Kind is what is wrong about a case.
type Kind string

// The kinds.
const (
	Legal     Kind = "legal"     // well-formed messages with values of others and at limits, in any order
	Structure Kind = "structure" // parameters dropped, added, doubled, moved, lengths repaired or broken
	Sequence  Kind = "sequence"  // several messages, repeated, out of order, or on the wrong association
	Types     Kind = "types"     // unknown messages and parameters with each of the four actions
	Octets    Kind = "octets"    // octets changed without regard to their meaning
)

// maxPayload is the longest message that is sent.
const maxPayload = wire.MaxMessageLength &^ 3

func anyKind(r *rand.Rand) Kind {
	switch n := r.IntN(20); {
	case n < 9:
		return Legal
	case n < 14:
		return Structure
	case n < 17:
		return Sequence
	case n < 19:
		return Types
	}
	return Octets
}

// fresh is the case as its number has it.
func (b *Block) fresh(id ID) Case {
	r := id.rand(b.seed, 0)
	c := Case{ID: id, Block: b, Kind: anyKind(r)}
	switch c.Kind {
	case Sequence:
		b.sequence(&c, r)
	case Legal:
		c.Says = append(c.Says, b.message(r))
	case Structure:
		c.say(mutate.Message(r, b.payload(r), maxPayload))
	case Types:
		c.say(unknown(r, b.payload(r)))
	default:
		c.say(mutate.Bytes(r, b.payload(r), maxPayload))
	}
	b.misdirect(&c, r)
	return c
}

func (c *Case) say(payload []byte) { c.Says = append(c.Says, Message{Payload: payload}) }

func (b *Block) payload(r *rand.Rand) []byte { return b.message(r).Payload }

// message is one that somebody in this state may send, or any.
func (b *Block) message(r *rand.Rand) Message {
	if r.IntN(3) == 0 {
		var next []*Transition
		for i := range b.Machine.Transitions {
			if t := &b.Machine.Transitions[i]; t.From == b.State {
				next = append(next, t)
			}
		}
		if len(next) > 0 {
			t := next[r.IntN(len(next))]
			return Message{Payload: b.encode(t.Message(&b.Env)), Transition: t}
		}
	}
	if corpus := b.Env.World.Corpus[b.Part.Caller.Protocol]; len(corpus) > 0 && r.IntN(3) == 0 {
		return Message{Payload: corpus[r.IntN(len(corpus))]}
	}
	return Message{Payload: b.encode(b.Env.anyMessage(r, b.Part.Caller.Protocol))}
}

// maxSequence is how many messages a sequence has.
const maxSequence = 6

func (b *Block) sequence(c *Case, r *rand.Rand) {
	for range 2 + r.IntN(maxSequence-1) {
		switch {
		case len(c.Says) > 0 && r.IntN(4) == 0: // once more
			c.Says = append(c.Says, c.Says[r.IntN(len(c.Says))])
		case r.IntN(4) == 0:
			c.say(mutate.Message(r, b.payload(r), maxPayload))
		default:
			c.say(b.payload(r))
		}
	}
	if r.IntN(3) == 0 { // some of it from somebody else
		other := b.other
		c.Other = &other
		for i := range c.Says {
			if r.IntN(2) == 0 {
				continue
			}
			c.Says[i].On = 1
			if r.IntN(2) == 0 { // what the other one speaks; otherwise what it should not
				c.Says[i].Payload = b.encode(b.Env.anyMessage(r, other.Caller.Protocol))
			}
		}
	}
}

// misdirect changes what SCTP says about a message: a foreign protocol identifier, another stream.
func (b *Block) misdirect(c *Case, r *rand.Rand) {
	if !b.Part.Caller.Transport.IsSCTP() || b.Part.Caller.Secured || r.IntN(16) > 0 {
		return
	}
	m := &c.Says[r.IntN(len(c.Says))]
	if m.On != 0 {
		return
	}
	if r.IntN(2) == 0 {
		m.Stream = uint16(1 + r.IntN(3))
		return
	}
	m.PPID = []uint32{wire.PPIDASAP, wire.PPIDENRP, 1, 0xffffffff}[r.IntN(4)]
}

// unknown makes the message, or a parameter of it, one that nobody knows, with any action bits
// (RFC 5354 section 2 and 3): 00 stop, 01 stop and report, 10 skip, 11 skip and report.
func unknown(r *rand.Rand, payload []byte) []byte {
	b := slices.Clone(payload)
	if len(b) < wire.HeaderLength {
		return b
	}
	action := byte(r.IntN(4)) << 6
	if r.IntN(3) == 0 {
		b[0] = action | byte(0x20+r.IntN(0x1f))
		return b
	}
	p := []byte{action | 0x3e, byte(r.Uint32()), 0, 0}
	p = append(p, anyOctets(r, r.IntN(9))...)
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	b = append(b, p...)
	if len(b) > maxPayload {
		return slices.Clone(payload)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// variant changes something more about a case.
func (b *Block) variant(of *Case, r *rand.Rand) Case {
	c := *of
	c.Says = slices.Clone(of.Says)
	i := r.IntN(len(c.Says))
	m := &c.Says[i]
	m.Transition = nil
	switch r.IntN(8) {
	case 0:
		m.Payload = mutate.Bytes(r, m.Payload, maxPayload)
	case 1:
		m.Payload = unknown(r, m.Payload)
	case 2:
		c.Says = append(c.Says, Message{Payload: b.payload(r)})
	case 3:
		c.Says = slices.Insert(c.Says, i, c.Says[i])
	default:
		m.Payload = mutate.Message(r, m.Payload, maxPayload)
	}
	return c
}
