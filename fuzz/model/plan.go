// SPDX-License-Identifier: Apache-2.0

package model

import (
	"math/rand/v2"
	"slices"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// PhaseBlocks is how many blocks in a row belong to one phase. Peer registrars are trusted with
// much; in every fourth phase they alone speak, so that in the others whatever changes without
// having been granted is a fault.
const PhaseBlocks = 64

// PeersAlone tells whether the block belongs to a phase in which only peer registrars speak.
func PeersAlone(block uint64) bool { return block/PhaseBlocks%4 == 3 }

// Planner makes the cases of a campaign. It may be used by several goroutines.
type Planner struct {
	Seed  uint64
	World *World
}

// Block is what BlockSize cases have in common.
type Block struct {
	Number  uint64
	Part    Part
	Machine *Machine
	State   State
	Env     Env
	// Path leads from a new association into the state.
	Path []Message

	other Part // for second associations
	seed  uint64
}

// Message is what is sent, and over which association: 0 is the case's own, 1 the second one.
type Message struct {
	On      int
	Payload []byte
	PPID    uint32
	Stream  uint16
	// Transition is the one that an honest message takes; nil for what is not honest.
	Transition *Transition
}

// Case is one case.
type Case struct {
	ID    ID
	Block *Block
	Kind  Kind
	Says  []Message
	// Other is who has the second association; nil without one.
	Other *Part
}

// Block returns the block with the number.
func (p *Planner) Block(number uint64) *Block {
	r := blockRand(p.Seed, number)
	parts := p.parts(PeersAlone(number))
	b := &Block{Number: number, Part: pickPart(r, parts), seed: p.Seed}
	b.other = pickPart(r, parts)
	b.Machine = machineOf(b.Part)
	states := b.Machine.States()
	b.State = states[r.IntN(len(states))]
	b.Env = Env{
		World: p.World, Pool: p.World.Pool,
		ID: wire.PEID(ownElements | r.Uint32()>>8), Self: wire.ServerID(ownServers | number%ownServerCount),
	}
	if b.Part.Caller.As == conversation.Restricted {
		b.Env.Pool = p.World.OtherPool
	}
	for _, t := range b.Machine.Path(b.State) {
		b.Path = append(b.Path, Message{Payload: b.encode(t.Message(&b.Env)), Transition: t})
	}
	return b
}

// parts returns those that speak in a phase; all of them when nobody else is there.
func (p *Planner) parts(peersAlone bool) []Part {
	parts := slices.DeleteFunc(slices.Clone(p.World.Parts), func(part Part) bool { return (part.Role == Peer) != peersAlone })
	if len(parts) == 0 {
		return p.World.Parts
	}
	return parts
}

// pickPart picks by the shares of the roles, and among the parts of one role evenly.
func pickPart(r *rand.Rand, parts []Part) Part {
	count := map[Role]int{}
	for _, p := range parts {
		count[p.Role]++
	}
	total := 0
	const unit = 5040 // divisible by any number of parts up to 10
	for _, p := range parts {
		total += shares[p.Role] * unit / count[p.Role]
	}
	n := r.IntN(total)
	for _, p := range parts {
		if n -= shares[p.Role] * unit / count[p.Role]; n < 0 {
			return p
		}
	}
	return parts[len(parts)-1]
}

// encode writes a message in the dialect of the system, or leniently what that does not have.
func (b *Block) encode(m wire.Message) []byte {
	if payload, err := m.Append(nil, &b.Env.World.Wire); err == nil {
		return payload
	}
	o := wire.Lenient()
	payload, err := m.Append(nil, &o)
	if err != nil {
		return nil
	}
	return payload
}

// Case returns the case with the ID, which belongs to block b.
func (b *Block) Case(id ID) Case {
	c := b.fresh(id)
	for depth := range id.Variant {
		c = b.variant(&c, id.rand(b.seed, depth+1))
		c.ID = id
	}
	return c
}

// Case returns the case with the ID.
func (p *Planner) Case(id ID) Case { return p.Block(id.Block()).Case(id) }

// Script returns the case as a script of its own: new associations, led into the state, the
// case's messages, and an honest question after each.
func (c *Case) Script() *conversation.Script {
	s := &conversation.Script{Comment: []string{"case " + c.ID.String() + ": " + string(c.Block.Part.Role) + " in state " + string(c.Block.State) + ", " + string(c.Kind)}}
	names := [...]string{"a", "b"}
	add := func(kind conversation.Kind, on string) {
		s.Steps = append(s.Steps, conversation.Step{Kind: kind, On: on})
	}
	s.Steps = append(s.Steps, conversation.Step{Kind: conversation.Open, On: names[0], Caller: c.Block.Part.Caller})
	if c.Other != nil {
		s.Steps = append(s.Steps, conversation.Step{Kind: conversation.Open, On: names[1], Caller: c.Other.Caller})
	}
	send := func(m *Message) {
		s.Steps = append(s.Steps, conversation.Step{Kind: conversation.Send, On: names[m.On], Payload: m.Payload, PPID: m.PPID, Stream: m.Stream})
	}
	for i := range c.Block.Path {
		send(&c.Block.Path[i])
	}
	if len(c.Block.Path) > 0 {
		add(conversation.Sync, names[0])
	}
	for i := range c.Says {
		send(&c.Says[i])
	}
	add(conversation.Sync, names[0])
	if c.Other != nil {
		add(conversation.Sync, names[1])
	}
	return s
}
