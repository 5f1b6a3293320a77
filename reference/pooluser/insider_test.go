// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// keyOf is the key by which an element of the tests signs.
func keyOf(id wire.PEID) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(id)}, ed25519.SeedSize))
}

// sign adds the element's statement; sequences count in seconds.
func sign(t *testing.T, e *wire.PoolElement, sequence time.Time, life time.Duration) {
	t.Helper()
	s := wire.SignedPolicy{Sequence: uint64(sequence.Unix()), Expires: sequence.Add(life), User: e.User, Policy: e.Policy}
	value, err := s.Sign(keyOf(e.ID), wire.PoolHandle(pool), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	e.SignedPolicy = value
}

// signing expects a and b to sign, and c not to.
func signing(required bool) func(*pooluser.Config) {
	return func(c *pooluser.Config) {
		c.Timers.StaleCache = pooluser.NoCache
		c.SignedPolicies = &pooluser.SignedPolicies{Required: required, Keys: pooluser.PolicyKeyring{
			{Pool: pool, ID: peA, Key: keyOf(peA).Public().(ed25519.PublicKey)},
			{Pool: pool, ID: peB, Key: keyOf(peB).Public().(ed25519.PublicKey)},
			{Pool: "other", ID: peC, Key: keyOf(peC).Public().(ed25519.PublicKey)},
		}}
	}
}

// signedBed lists three elements, of which A and B sign for an hour.
func signedBed(t *testing.T, required bool) *bed {
	b := newBed(t, signing(required), peA, peB, peC)
	for i := range 2 {
		sign(t, &b.dir.elements[i], time.Now(), time.Hour)
	}
	return b
}

func (b *bed) resolve() pooluser.Resolution {
	b.t.Helper()
	r, err := b.user.Resolve(within(b.t, time.Minute), pool)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func TestElementsAsTheySignedAreUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := signedBed(t, false)
		if r := b.resolve(); !slices.Equal(elementsOf(r), []wire.PEID{peA, peB, peC}) || len(r.Evidence) != 0 {
			t.Errorf("got %v, evidence %v", elementsOf(r), r.Evidence)
		}
	})
}

func TestElementsThatNeedNotSignAreLeftOutIfRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := signedBed(t, true)
		r := b.resolve()
		if !slices.Equal(elementsOf(r), []wire.PEID{peA, peB}) || len(r.Evidence) != 1 ||
			r.Evidence[0].Finding != pooluser.PolicyNoKey || r.Evidence[0].Shown.ID != peC {
			t.Errorf("got %v, evidence %v", elementsOf(r), r.Evidence)
		}
	})
}

// A registrar shows element A otherwise than it signed: it is not used, and there is evidence.
func TestElementsNotAsTheySigned(t *testing.T) {
	for _, c := range []struct {
		name    string
		finding pooluser.PolicyFinding
		lie     func(t *testing.T, d *directory, a *wire.PoolElement)
	}{
		{"policy", pooluser.PolicyAltered, func(_ *testing.T, _ *directory, a *wire.PoolElement) { a.Policy.Priority++ }},
		{"address", pooluser.PolicyAltered, func(_ *testing.T, _ *directory, a *wire.PoolElement) {
			a.User.Addrs = []netip.Addr{netip.MustParseAddr("192.0.2.66")}
		}},
		{"port", pooluser.PolicyAltered, func(_ *testing.T, _ *directory, a *wire.PoolElement) { a.User.Port++ }},
		{"stripped", pooluser.PolicyMissing, func(_ *testing.T, _ *directory, a *wire.PoolElement) { a.SignedPolicy = nil }},
		{"bit of the signature", pooluser.PolicyForged, func(_ *testing.T, _ *directory, a *wire.PoolElement) {
			a.SignedPolicy[len(a.SignedPolicy)-1] ^= 1
		}},
		{"rubbish", pooluser.PolicyForged, func(_ *testing.T, _ *directory, a *wire.PoolElement) { a.SignedPolicy = []byte{1} }},
		{"statement of B", pooluser.PolicyForged, func(_ *testing.T, d *directory, a *wire.PoolElement) {
			a.SignedPolicy, a.User, a.Policy = d.elements[1].SignedPolicy, d.elements[1].User, d.elements[1].Policy
		}},
		{"expired", pooluser.PolicyExpired, func(t *testing.T, _ *directory, a *wire.PoolElement) {
			sign(t, a, time.Now().Add(-2*time.Hour), time.Hour)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := signedBed(t, false)
				c.lie(t, b.dir, &b.dir.elements[0])
				r := b.resolve()
				if !slices.Equal(elementsOf(r), []wire.PEID{peB, peC}) || len(r.Evidence) != 1 {
					t.Fatalf("got %v, evidence %v", elementsOf(r), r.Evidence)
				}
				e := <-b.user.PolicyEvidence()
				if e.Finding != c.finding || e.Shown.ID != peA || e.Pool != pool || e.Server.Addr.String() != addr1 ||
					e.Identity == "" || !strings.Contains(e.String(), c.finding.String()) {
					t.Errorf("evidence %+v", e)
				}
				if s := b.user.Stats(); s.PoliciesRefused != 1 {
					t.Errorf("stats %+v", s)
				}
				session, at := b.open(peB) // although A has the higher priority
				send(t, session, "hello")
				at.want("data hello")
			})
		})
	}
}

func TestPoolPolicyIsHeldAgainstTheElements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := signedBed(t, false)
		b.dir.policy = wire.Policy{Type: wire.Random}
		r := b.resolve()
		if !slices.Equal(elementsOf(r), []wire.PEID{peC}) || len(r.Evidence) != 2 || r.Evidence[1].Finding != pooluser.PolicyOfPool {
			t.Errorf("got %v, evidence %v", elementsOf(r), r.Evidence)
		}
	})
}

func TestOldStatementIsARollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := signedBed(t, false)
		a := &b.dir.elements[0]
		old, oldAt := *a, time.Now()
		a.Policy.Priority = 1
		sign(t, a, oldAt.Add(time.Second), time.Hour)
		b.resolve()
		b.dir.set(func(d *directory) { d.elements[0] = old })
		r := b.resolve()
		if len(r.Evidence) != 1 || r.Evidence[0].Finding != pooluser.PolicyRolledBack || r.Evidence[0].Newer != uint64(oldAt.Unix())+1 {
			t.Errorf("evidence %+v", r.Evidence)
		}
		// An older statement that says the same is only late.
		same := old
		same.Policy.Priority = 1
		sign(t, &same, oldAt, time.Hour)
		b.dir.set(func(d *directory) { d.elements[0] = same })
		if r := b.resolve(); len(r.Evidence) != 0 {
			t.Errorf("late: evidence %+v", r.Evidence)
		}
	})
}

// When nothing is left of what one registrar shows, the next one is asked.
func TestRegistrarThatShowsNothingAsSignedIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		honest, lying := listed(peA, peB), listed(peA, peB)
		for i := range 2 {
			sign(t, &honest.elements[i], time.Now(), time.Hour)
			lying.elements[i] = honest.elements[i]
			lying.elements[i].Policy.Priority = 7
		}
		n.registrar("lying", addr1, lying)
		u := n.start(signing(false), addr1, addr2)
		if _, err := u.Resolve(within(t, time.Minute), pool); !errors.Is(err, pooluser.ErrPolicy) {
			t.Errorf("with the lying registrar alone: %v", err)
		}
		n.registrar("honest", addr2, honest)
		r, err := u.Resolve(within(t, time.Hour), pool)
		if err != nil || r.Server.Addr.String() != addr2 {
			t.Errorf("resolved by %s, %v", r.Server, err)
		}
	})
}

func TestFaultOfThePolicyDefence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, func(c *pooluser.Config) {
			signing(false)(c)
			defences(func(d *pooluser.Defences) {
				d.Policy = pooluser.PolicyJudgeFunc(func(*pooluser.PolicyQuery) *pooluser.PolicyEvidence { return nil })
			})(c)
		}, peA)
		if r := b.resolve(); len(r.Elements) != 1 {
			t.Error("an element that is not signed was left out without the defence")
		}
	})
}

// drawing has a registrar sign tickets.
type drawing struct {
	*bed
	chain *policy.NonceChain
}

var registrarKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{0x99}, ed25519.SeedSize))

// newDrawing makes a pool under random whose registrar gives out tickets.
func newDrawing(t *testing.T) *drawing {
	b := newBed(t, func(c *pooluser.Config) { c.ProveSelection = true }, peA, peB, peC)
	chain, err := policy.NewNonceChain(policy.Nonce{1}, time.Now().Add(-10*time.Minute), time.Minute, 100)
	if err != nil {
		t.Fatal(err)
	}
	b.dir.policy = wire.Policy{Type: wire.Random}
	for i := range b.dir.elements {
		b.dir.elements[i].Policy = b.dir.policy
	}
	list, err := wire.SelectionList(b.dir.elements)
	if err != nil {
		t.Fatal(err)
	}
	nonce, err := chain.Nonce(10)
	if err != nil {
		t.Fatal(err)
	}
	ticket := wire.NewSelectionTicket(1, 10, nonce, chain.Lot(10, pool, "user"), list)
	b.dir.ticket = ticket.Sign(registrarKey, wire.PoolHandle(pool))
	return &drawing{bed: b, chain: chain}
}

// proof returns the first message on the control channel of the next session, and where it came.
func (d *drawing) proof() (*wire.SelectionProof, wire.PEID) {
	d.t.Helper()
	s, err := d.user.Open(within(d.t, time.Minute), pool)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { s.Close(context.Background()) })
	e, _, _ := s.Element()
	raw, err := d.far(e.ID).Association.Receive(within(d.t, time.Minute))
	if err != nil {
		d.t.Fatal(err)
	}
	m, err := wire.Decode(wire.ASAP, raw.Payload, &wire.Options{SelectionProof: true})
	p, ok := m.(*wire.SelectionProof)
	if err != nil || !ok {
		d.t.Fatalf("first message %+v, %v", m, err)
	}
	return p, e.ID
}

// drawn draws again, independently of the pool user.
func (d *drawing) drawn(counter, attempt uint32) wire.PEID {
	d.t.Helper()
	ticket, _ := wire.ParseSelectionTicket(d.dir.ticket)
	list, _ := wire.SelectionList(d.dir.elements)
	entries, _ := wire.ParseSelectionList(list)
	draws := policy.NewDraws(&ticket, counter, wire.Random, entries)
	i, _ := draws.Next()
	for range attempt {
		i, _ = draws.Next()
	}
	return entries[i].ID
}

func TestSelectionIsProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDrawing(t)
		for counter := range uint32(4) {
			p, at := d.proof()
			if p.Counter != counter || p.Attempt != 0 || p.PEID != at || at != d.drawn(counter, 0) || string(p.PoolHandle) != pool {
				t.Errorf("session %d: proof %+v at %s, drawn is %s", counter, p, at, d.drawn(counter, 0))
			}
			if ticket, _ := wire.ParseSelectionTicket(p.Ticket); !ticket.Lists(p.List) {
				t.Error("the list is not the ticket's")
			}
		}
		d.user.Purge(pool) // resolved again in the same epoch, the count goes on
		if p, _ := d.proof(); p.Counter != 4 {
			t.Errorf("counter %d after another resolution", p.Counter)
		}
	})
}

func TestElementThatIsPassedOverCountsAsAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDrawing(t)
		d.pe[d.drawn(0, 0)].refuse(errors.New("refused"))
		p, at := d.proof()
		if p.Attempt != 1 || p.Counter != 0 || at != d.drawn(0, 1) {
			t.Errorf("proof %+v at %s, want %s", p, at, d.drawn(0, 1))
		}
	})
}

// What the ticket is not about is not proven, and selected as without one.
func TestTicketForAnotherListProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDrawing(t)
		d.dir.elements = d.dir.elements[:1]
		s, at := d.open(peA)
		send(t, s, "hello")
		at.want("data hello")
		if n := d.user.Stats().Proofs; n != 0 {
			t.Errorf("%d proofs", n)
		}
	})
}
