// SPDX-License-Identifier: Apache-2.0

package model_test

import (
	"bytes"
	"testing"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func world() *model.World {
	w := &model.World{Secured: true, Pool: "EchoPool", OtherPool: "PrivatePool"}
	for _, c := range []conversation.Caller{
		{Protocol: wire.ASAP, Transport: association.TCP, Secured: true, As: conversation.Certificate},
		{Protocol: wire.ASAP, Transport: association.TCP, Secured: true, As: conversation.AsElement},
		{Protocol: wire.ENRP, Transport: association.SCTPUDP, Secured: true, As: conversation.AsPeer},
		{Protocol: wire.ENRP, Transport: association.SCTPUDP, Secured: true, As: conversation.AsElement},
		{Protocol: wire.ASAP, Transport: association.TCP, As: conversation.Nobody},
	} {
		w.Parts = append(w.Parts, model.Part{Role: model.RoleOf(true, c), Caller: c})
	}
	return w
}

// TestCaseDependsOnSeedAndIDAlone: whatever was asked for before, and by whom.
func TestCaseDependsOnSeedAndIDAlone(t *testing.T) {
	one, two := &model.Planner{Seed: 7, World: world()}, &model.Planner{Seed: 7, World: world()}
	other := &model.Planner{Seed: 8, World: world()}
	differ := 0
	for n := range uint64(2000) {
		for _, id := range []model.ID{{Root: n * 977}, {Root: n * 977, Variant: []uint32{3, 1}}} {
			a := one.Case(id)
			two.Case(model.ID{Root: n})
			b, c := two.Case(id), other.Case(id)
			if a.Script().Format() != b.Script().Format() {
				t.Fatalf("case %s is not the same twice", id)
			}
			if a.Script().Format() != c.Script().Format() {
				differ++
			}
		}
	}
	if differ < 3900 {
		t.Errorf("only %d of 4000 cases depend on the seed", differ)
	}
}

// TestPathsLeadThroughTheMachine: every declared state can be reached, by honest messages.
func TestPathsLeadThroughTheMachine(t *testing.T) {
	for _, m := range model.Machines() {
		for _, s := range m.States() {
			at := model.Connected
			for _, step := range m.Path(s) {
				if step.From != at {
					t.Fatalf("%s: the way to %s goes from %s to %s", m.Role, s, at, step.From)
				}
				at = step.To
			}
			if at != s {
				t.Errorf("%s: no way to %s", m.Role, s)
			}
		}
	}
	p := &model.Planner{Seed: 1, World: world()}
	for n := range uint64(500) {
		b := p.Block(n)
		for _, step := range b.Path {
			if _, err := wire.Decode(b.Part.Caller.Protocol, step.Payload, nil); err != nil {
				t.Fatalf("%s: %s is no honest message: %v", b.Part.Role, step.Transition.Name, err)
			}
		}
		if model.PeersAlone(n) != (b.Part.Role == model.Peer) {
			t.Fatalf("block %d belongs to a %s", n, b.Part.Role)
		}
	}
}

// TestCasesAreOfEveryKind, decodable and not, with every message type and action of RFC 5354.
func TestCasesAreOfEveryKind(t *testing.T) {
	p := &model.Planner{Seed: 3, World: world()}
	kinds, actions, types := map[model.Kind]int{}, map[byte]int{}, map[wire.Protocol]map[uint8]bool{wire.ASAP: {}, wire.ENRP: {}}
	good, victims, others := 0, 0, 0
	const cases = 40_000
	for n := range uint64(cases) {
		c := p.Case(model.ID{Root: n * 13})
		kinds[c.Kind]++
		if c.Other != nil {
			others++
		}
		for _, m := range c.Says {
			if len(m.Payload) == 0 {
				continue
			}
			o := wire.Lenient()
			if _, err := wire.Decode(c.Block.Part.Caller.Protocol, m.Payload, &o); err == nil {
				good++
				types[c.Block.Part.Caller.Protocol][m.Payload[0]] = true
			} else if m.Payload[0]&0x3f >= 0x20 {
				actions[m.Payload[0]>>6]++
			}
			if bytes.Contains(m.Payload, []byte{0xf1, 0xa5, 0x7e, 0x02}) {
				victims++
			}
		}
	}
	for _, k := range []model.Kind{model.Legal, model.Structure, model.Sequence, model.Types, model.Octets} {
		if kinds[k] < cases/50 {
			t.Errorf("%d cases of kind %s", kinds[k], k)
		}
	}
	for protocol, seen := range types {
		for _, typ := range wire.MessageTypes(protocol) {
			if !seen[typ] {
				t.Errorf("no well-formed %s", wire.MessageName(protocol, typ))
			}
		}
	}
	if len(actions) != 4 || good < cases/3 || victims < cases/50 || others < cases/100 {
		t.Errorf("actions %v, %d decodable, %d about the honest element, %d on two associations", actions, good, victims, others)
	}
}

func TestIDsAreReadAsTheyAreWritten(t *testing.T) {
	for _, s := range []string{"0", "17", "18446744073709551615", "17.3", "17.3.1.0"} {
		if id, err := model.ParseID(s); err != nil || id.String() != s {
			t.Errorf("%s: %s, %v", s, id, err)
		}
	}
	for _, s := range []string{"", "x", "1.", "1.2.3.4.5", "-1", "1.99999999999"} {
		if id, err := model.ParseID(s); err == nil {
			t.Errorf("%q is read as %s", s, id)
		}
	}
}
