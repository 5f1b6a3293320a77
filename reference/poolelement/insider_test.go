// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// ed25519Key is a key for tests, by a number.
func ed25519Key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func TestRegistrationsAreSigned(t *testing.T) {
	cfg := config(1)
	cfg.Pools[0].Policy = wire.Policy{Type: wire.WeightedRandom, Weight: 7}
	signer, err := poolelement.NewPolicySigner(ed25519Key(1))
	if err != nil {
		t.Fatal(err)
	}
	cfg.PolicySigner = signer
	var h *host
	run(t, cfg, func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		var last uint64
		n := h.next()
		for range 3 { // each re-registration says it anew
			m := n.grant()
			key := ed25519Key(1).Public().(ed25519.PublicKey)
			if err := wire.VerifySignedPolicy(key, m.PoolHandle, m.Element.ID, m.Element.SignedPolicy); err != nil {
				t.Fatal(err)
			}
			s, err := wire.ParseSignedPolicy(m.Element.SignedPolicy)
			if err != nil || !s.Says(&m.Element.User, &m.Element.Policy) || s.Policy.Weight != 7 {
				t.Errorf("signed %+v, %v; registered %+v", s, err, m.Element)
			}
			if s.Sequence <= last || time.Until(s.Expires).Round(time.Second) != poolelement.DefaultPolicyValidity {
				t.Errorf("sequence %d after %d, expires %s", s.Sequence, last, s.Expires)
			}
			last = s.Sequence
		}
	})
}

func TestPolicySignerNeedsAKey(t *testing.T) {
	if _, err := poolelement.NewPolicySigner(nil); !errors.Is(err, poolelement.ErrPolicySigner) {
		t.Error(err)
	}
}

// dealer is a registrar that gives out tickets, and the judge that believes it.
type dealer struct {
	t     *testing.T
	chain *policy.NonceChain
	judge *poolelement.Selections
	pes   []wire.PoolElement
}

// newDealer lists peID and nine others; now is in epoch 10.
func newDealer(t *testing.T, now time.Time, change func(*poolelement.SelectionRules)) *dealer {
	t.Helper()
	d := &dealer{t: t}
	var err error
	if d.chain, err = policy.NewNonceChain(policy.Nonce{7}, now.Add(-10*time.Minute), time.Minute, 1000); err != nil {
		t.Fatal(err)
	}
	rules := poolelement.SelectionRules{Anchor: d.chain.Anchor(), Keys: []ed25519.PublicKey{ed25519Key(9).Public().(ed25519.PublicKey)}}
	if change != nil {
		change(&rules)
	}
	if d.judge, err = poolelement.NewSelections(rules); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		d.pes = append(d.pes, wire.PoolElement{ID: peID + wire.PEID(i), Policy: wire.Policy{Type: wire.Random}})
	}
	return d
}

func (d *dealer) list() []byte {
	d.t.Helper()
	list, err := wire.SelectionList(d.pes)
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

// ticket signs one for an epoch and a user.
func (d *dealer) ticket(epoch uint64, user string) (wire.SelectionTicket, []byte) {
	d.t.Helper()
	nonce, err := d.chain.Nonce(epoch)
	if err != nil {
		d.t.Fatal(err)
	}
	ticket := wire.NewSelectionTicket(1, epoch, nonce, d.chain.Lot(epoch, pool, user), d.list())
	return ticket, ticket.Sign(ed25519Key(9), wire.PoolHandle(pool))
}

// proof is an honest one that draws peID, of the first user that has such a draw at counter.
func (d *dealer) proof(epoch uint64, counter uint32, but ...string) *wire.SelectionProof {
	d.t.Helper()
	entries, err := wire.ParseSelectionList(d.list())
	if err != nil {
		d.t.Fatal(err)
	}
	for n := range 1000 {
		user := string(rune('A' + n))
		if len(but) > 0 && user <= but[0] {
			continue
		}
		ticket, signed := d.ticket(epoch, user)
		if i, _ := policy.NewDraws(&ticket, counter, entries[0].Policy.Type, entries).Next(); entries[i].ID == peID {
			return &wire.SelectionProof{Counter: counter, PoolHandle: wire.PoolHandle(pool), PEID: peID, Ticket: signed, List: d.list()}
		}
	}
	d.t.Fatal("nobody draws the element")
	return nil
}

func TestSelectionJudge(t *testing.T) {
	for _, c := range []struct {
		name   string
		want   error // nil: believed
		change func(d *dealer, m *wire.SelectionProof)
	}{
		{"honest", nil, func(*dealer, *wire.SelectionProof) {}},
		{"another counter", poolelement.ErrNotDrawn, func(_ *dealer, m *wire.SelectionProof) { m.Counter = 3 }},
		{"another attempt", poolelement.ErrNotDrawn, func(_ *dealer, m *wire.SelectionProof) { m.Attempt = 1 }},
		{"counter too high", poolelement.ErrSelectionLimit, func(_ *dealer, m *wire.SelectionProof) { m.Counter = 16 }},
		{"attempt too high", poolelement.ErrSelectionLimit, func(_ *dealer, m *wire.SelectionProof) { m.Attempt = 4 }},
		{"another element", poolelement.ErrNotDrawn, func(_ *dealer, m *wire.SelectionProof) { m.PEID++ }},
		{"another pool", poolelement.ErrNotDrawn, func(_ *dealer, m *wire.SelectionProof) { m.PoolHandle = wire.PoolHandle("p") }},
		{"a shorter list", poolelement.ErrTicket, func(_ *dealer, m *wire.SelectionProof) { m.List = m.List[:12] }},
		{"a ticket of its own", poolelement.ErrTicket, func(_ *dealer, m *wire.SelectionProof) {
			ticket, _ := wire.ParseSelectionTicket(m.Ticket)
			m.Ticket = ticket.Sign(ed25519Key(1), wire.PoolHandle(pool))
		}},
		{"a nonce that the registrar chose", poolelement.ErrTicket, func(_ *dealer, m *wire.SelectionProof) {
			ticket, _ := wire.ParseSelectionTicket(m.Ticket)
			ticket.Nonce[0] ^= 1
			m.Ticket = ticket.Sign(ed25519Key(9), wire.PoolHandle(pool))
		}},
		{"too old", poolelement.ErrTicketTime, func(d *dealer, m *wire.SelectionProof) { *m = *d.proof(7, 0) }},
		{"old", nil, func(d *dealer, m *wire.SelectionProof) { *m = *d.proof(8, 0) }},
		{"of a clock that is ahead", nil, func(d *dealer, m *wire.SelectionProof) { *m = *d.proof(11, 0) }},
		{"of the future", poolelement.ErrTicketTime, func(d *dealer, m *wire.SelectionProof) { *m = *d.proof(12, 0) }},
		{"round robin", poolelement.ErrNotDrawn, func(d *dealer, m *wire.SelectionProof) {
			for i := range d.pes {
				d.pes[i].Policy.Type = wire.RoundRobin
			}
			m.List = d.list()
			_, m.Ticket = d.ticket(10, "A")
		}},
		{"garbage", wire.ErrExtension, func(_ *dealer, m *wire.SelectionProof) { m.Ticket = m.Ticket[1:] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDealer(t, time.Now(), nil)
				m := d.proof(10, 0)
				c.change(d, m)
				got, err := d.judge.Verify(time.Now(), wire.PoolHandle(pool), peID, m)
				if c.want == nil && (err != nil || got.Members != 10 || got.Server != 1) {
					t.Errorf("got %+v, %v", got, err)
				}
				if c.want != nil && (!errors.Is(err, c.want) || !errors.Is(err, poolelement.ErrRefused)) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			})
		})
	}
}

func TestSelectionProofCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDealer(t, time.Now(), func(r *poolelement.SelectionRules) { r.MaxRemembered = 2 })
		judge := func(m *wire.SelectionProof) error {
			_, err := d.judge.Verify(time.Now(), wire.PoolHandle(pool), peID, m)
			return err
		}
		if err := judge(d.proof(10, 0)); err != nil {
			t.Error(err)
		}
		if err := judge(d.proof(10, 0)); !errors.Is(err, poolelement.ErrSelectionReused) {
			t.Errorf("shown twice: %v", err)
		}
		if err := judge(d.proof(10, 1)); err != nil {
			t.Error(err)
		}
		if err := judge(d.proof(10, 2)); !errors.Is(err, poolelement.ErrSelectionLimit) {
			t.Errorf("no room: %v", err)
		}
		time.Sleep(3 * time.Minute) // epoch 13: 10 does not count any more and is forgotten
		if err := judge(d.proof(13, 0)); err != nil {
			t.Error(err)
		}
	})
}

func TestSelectionRulesAreChecked(t *testing.T) {
	if _, err := poolelement.NewSelections(poolelement.SelectionRules{}); !errors.Is(err, poolelement.ErrSelectionRules) {
		t.Error(err)
	}
	if _, err := poolelement.NewSelections(poolelement.SelectionRules{Keys: []ed25519.PublicKey{nil}}); !errors.Is(err, policy.ErrChain) {
		t.Error(err)
	}
}

func TestDataNeedsAProofIfRequired(t *testing.T) {
	var d *dealer
	controlling(t, func(c *poolelement.Config) {
		bubble := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where the time of synctest begins
		d = newDealer(t, bubble, func(r *poolelement.SelectionRules) { r.Required = true })
		c.Selections = d.judge
	}, func(t *testing.T, b *bed) {
		u := b.user(dataInfo(association.SCTPUDP, true, "bob"))
		hears[*wire.BusinessCard](u)
		data := func() poolelement.FromUser {
			t.Helper()
			if err := u.SendData(t.Context(), []byte("question")); err != nil {
				t.Fatal(err)
			}
			r, err := u.control.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		for range 3 {
			if r := data(); !errors.Is(r.Refused, poolelement.ErrUnproven) || r.Data != nil {
				t.Errorf("without a proof: %+v", r)
			}
		}
		bad := d.proof(10, 0)
		bad.Attempt = 1
		if r := u.says(bad); !errors.Is(r.Refused, poolelement.ErrNotDrawn) || r.Selected != nil {
			t.Errorf("a wrong proof: %+v", r)
		}
		if r := u.says(d.proof(10, 0)); r.Refused != nil || r.Selected == nil || r.Selected.Members != 10 {
			t.Errorf("an honest proof: %+v", r)
		}
		if r := data(); string(r.Data) != "question" {
			t.Errorf("after the proof: %+v", r)
		}
		if s := b.e.Stats(); s.SelectionsRefused != 2 { // data is told once
			t.Errorf("stats %+v", s)
		}
	})
}

// An element that judges no selections does not know the message, and its sender is not told.
func TestProofIsDiscardedByWhoDoesNotAskForIt(t *testing.T) {
	controlling(t, nil, func(t *testing.T, b *bed) {
		u := b.user(dataInfo(association.SCTPUDP, true, "bob"))
		hears[*wire.BusinessCard](u)
		if err := u.SendControl(t.Context(), newDealer(t, time.Now(), nil).proof(10, 0)); err != nil {
			t.Fatal(err)
		}
		if err := u.SendData(t.Context(), []byte("question")); err != nil {
			t.Fatal(err)
		}
		if r, err := u.control.Receive(t.Context()); err != nil || string(r.Data) != "question" {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}
