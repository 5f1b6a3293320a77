// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// A statement need not be one for the registrar: it carries what it is given.
var statement = bytes.Repeat([]byte("signed "), 20)

func TestSignedPolicyReachesUsersAndPeersUnchanged(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer, alice := introduce(t, r), connect(t, r, wire.ASAP, aliceHost, "alice")
		pe := element(alicePE, aliceHost)
		pe.SignedPolicy = statement
		alice.ask(registration(pool, pe))
		if m := want[*wire.HandleUpdate](peer); !bytes.Equal(m.Element.SignedPolicy, statement) {
			t.Errorf("the update carries %q", m.Element.SignedPolicy)
		}
		if m := resolve(alice, pool); !bytes.Equal(m.Elements[0].SignedPolicy, statement) {
			t.Errorf("the resolution carries %q", m.Elements[0].SignedPolicy)
		}
		peer.send(&wire.HandleTableRequest{Sender: peerID})
		if m := want[*wire.HandleTableResponse](peer); !bytes.Equal(m.Pools[0].Elements[0].SignedPolicy, statement) {
			t.Errorf("the handle table carries %q", m.Pools[0].Elements[0].SignedPolicy)
		}
		foreign := peerElement(2)
		foreign.SignedPolicy = statement[7:]
		peer.send(&wire.HandleUpdate{Sender: peerID, PoolHandle: []byte(pool), Element: foreign})
		peer.ask(&wire.Presence{Sender: peerID, ReplyRequired: true}) // the update has been taken
		for _, e := range resolve(alice, pool).Elements {
			if want := map[wire.PEID][]byte{alicePE: statement, 2: statement[7:]}[e.ID]; !bytes.Equal(e.SignedPolicy, want) {
				t.Errorf("element %s of the peer carries %q", e.ID, e.SignedPolicy)
			}
		}
		pe.SignedPolicy = nil // what it no longer says is no longer carried
		alice.ask(registration(pool, pe))
		if m := want[*wire.HandleUpdate](peer); len(m.Element.SignedPolicy) != 0 {
			t.Errorf("the update carries %q", m.Element.SignedPolicy)
		}
	})
}

// Unknown parameters that are to be skipped are not stored and not forwarded: RFC 5354 section 3
// has them skipped, and a peer that knows them could not tell who put them there.
func TestUnknownParametersAreNotForwarded(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer, alice := introduce(t, r), connect(t, r, wire.ASAP, aliceHost, "alice")
		pe := wire.RawParameter(wire.ParameterPoolElement).Put32(uint32(alicePE)).Put32(0).Put32(60).Add(
			wire.RawParameter(wire.ParameterSCTP).Put16(7).Put16(0).Add(wire.RawParameter(wire.ParameterIPv4).Put(aliceHost.AsSlice()...)),
			wire.RawParameter(wire.ParameterPolicy).Put32(1),
			wire.RawParameter(0xbeef).Put(1, 2, 3, 4))
		alice.sendBytes(wire.RawMessage(wire.TypeRegistration).Add(wire.RawParameter(wire.ParameterPoolHandle).Put([]byte(pool)...), pe).Bytes())
		if m := want[*wire.RegistrationResponse](alice); m.Reject {
			t.Fatalf("rejected: %+v", m)
		}
		if m := want[*wire.HandleUpdate](peer); len(m.Unrecognized()) != 0 {
			t.Errorf("the update carries %+v", m.Unrecognized())
		}
	})
}

// selecting has the registrar give out tickets; now is in epoch 10.
func selecting(t *testing.T) (*registrar.Selection, func(*registrar.Config)) {
	t.Helper()
	bubble := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where the time of synctest begins
	chain, err := policy.NewNonceChain(policy.Nonce{3}, bubble.Add(-10*time.Minute), time.Minute, 12)
	if err != nil {
		t.Fatal(err)
	}
	s := &registrar.Selection{Chain: chain, Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	return s, func(c *registrar.Config) {
		quiet(c)
		c.Selection = s
		c.Wire.HandleResolutionOption = true
	}
}

func TestResolutionsOfRandomPoolsComeWithATicket(t *testing.T) {
	s, change := selecting(t)
	in(t, change, func(t *testing.T, r *registrar.Registrar) {
		alice, bob := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "bob")
		for id := range wire.PEID(3) {
			pe := element(id+1, aliceHost)
			pe.Life = elementLife
			pe.Policy = wire.Policy{Type: wire.WeightedRandom, Weight: uint32(id)}
			if m := alice.ask(registration(pool, pe)).(*wire.RegistrationResponse); m.Reject {
				t.Fatal(m)
			}
		}
		ticketOf := func(n *node) wire.SelectionTicket {
			t.Helper()
			m := resolve(n, pool)
			if err := wire.VerifySelectionTicket([]ed25519.PublicKey{s.Key.Public().(ed25519.PublicKey)}, m.PoolHandle, m.Ticket); err != nil {
				t.Fatal(err)
			}
			ticket, err := wire.ParseSelectionTicket(m.Ticket)
			list, listErr := wire.SelectionList(m.Elements)
			if err != nil || listErr != nil || !ticket.Lists(list) || ticket.Server != serverID {
				t.Errorf("ticket %+v, %v, %v", ticket, err, listErr)
			}
			return ticket
		}
		first := ticketOf(alice)
		if nonce, _ := s.Chain.Nonce(10); first.Epoch != 10 || first.Nonce != nonce {
			t.Errorf("epoch %d, nonce %x", first.Epoch, first.Nonce)
		}
		if again := ticketOf(alice); again != first {
			t.Error("asking again gives another ticket")
		}
		if other := ticketOf(bob); other.Lot == first.Lot || other.Nonce != first.Nonce {
			t.Error("another user has the same lot, or another nonce")
		}
		time.Sleep(time.Minute)
		if next := ticketOf(alice); next.Epoch != 11 || next.Lot == first.Lot {
			t.Errorf("in the next epoch: %+v", next)
		}
		// A user must not be able to have parts of the pool signed.
		alice.sendBytes(wire.RawMessage(wire.TypeHandleResolution).Add(wire.RawParameter(wire.ParameterPoolHandle).Put([]byte(pool)...),
			wire.RawParameter(wire.ParameterHandleResolution).Put32(1)).Bytes())
		if m := want[*wire.HandleResolutionResponse](alice); len(m.Ticket) != 0 || len(m.Elements) != 1 {
			t.Errorf("a part came with a ticket: %+v", m)
		}
		time.Sleep(3 * time.Minute) // after the end of the chain
		if m := resolve(alice, pool); len(m.Ticket) != 0 || len(m.Elements) == 0 {
			t.Errorf("after the end of the chain: %+v", m)
		}
	})
}

func TestOtherPoliciesHaveNoTicket(t *testing.T) {
	_, change := selecting(t)
	in(t, change, func(t *testing.T, r *registrar.Registrar) {
		alice := connect(t, r, wire.ASAP, aliceHost, "alice")
		if m := resolve(alice, pool); len(m.Ticket) != 0 || len(m.Causes) != 1 {
			t.Errorf("unknown pool: %+v", m)
		}
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		if m := resolve(alice, pool); len(m.Ticket) != 0 || len(m.Elements) != 1 {
			t.Errorf("round robin: %+v", m)
		}
	})
}

func TestIncompleteSelection(t *testing.T) {
	s, _ := selecting(t)
	for _, bad := range []*registrar.Selection{{}, {Chain: s.Chain}, {Key: s.Key}} {
		if _, err := registrar.New(registrar.Config{Mode: registrar.Insecure, Selection: bad}); !errors.Is(err, registrar.ErrSelection) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
