// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// selection is what registrars and users do so that a selection can be proven.
type selection struct {
	*elementStage
	chain *policy.NonceChain
	key   ed25519.PrivateKey // of the registrar
	list  []byte
	door  netip.AddrPort
}

// An epoch is longer than a check, which is in the second one: nothing is drawn in the first.
const (
	selectionPeriod = time.Hour
	selectionLength = 4
)

func provenSelection(ctx context.Context, r *engine.Run) {
	s := &selection{elementStage: newElementStage(ctx, r)}
	defer s.leave(ctx)
	s.prepare(ctx)
	s.begin(ctx)
	s.run.Baseline(ctx, "a user that has drawn the element is served", func(ctx context.Context, g gomega.Gomega) string {
		s.resolved(g)
		served, err := s.come(ctx, nil, s.proof(g, true), "drawn")
		g.Expect(err).NotTo(gomega.HaveOccurred(), "come to the service")
		g.Expect(served).To(gomega.ConsistOf("drawn"), "a user that proves its selection is not served")
		return "it is served"
	})
	var served []string
	r.Attack(ctx, "come to the element without a draw that leads there", func(ctx context.Context, g gomega.Gomega) string {
		forged := s.proof(g, true)
		forged.Ticket[len(forged.Ticket)-1] ^= 1
		chosen := s.proof(g, false)
		for _, impostor := range []struct {
			what  string
			proof *wire.SelectionProof
		}{
			{"a user without a proof", nil}, {"a user that has drawn another element", chosen}, {"a user with a ticket that no registrar has signed", forged},
		} {
			got, err := s.come(ctx, s.proof(g, true), impostor.proof, impostor.what)
			g.Expect(err).NotTo(gomega.HaveOccurred(), "come to the service")
			served = append(served, got...)
		}
		return "served: " + list(served)
	})
	r.Canary(ctx, "a user that has drawn the element is still served", func(ctx context.Context, g gomega.Gomega) string {
		got, err := s.come(ctx, nil, s.proof(g, true), "drawn")
		g.Expect(err).NotTo(gomega.HaveOccurred(), "come to the service")
		g.Expect(got).To(gomega.ConsistOf("drawn"), "a user that proves its selection is not served")
		g.Expect(s.keepAlive(ctx)).To(gomega.Succeed(), "keep-alive")
		return "it is served, and the element is alive"
	})
	r.Oracle(ctx, "those who have chosen the element are not served", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(served).To(gomega.BeEmpty(), "served: %s", strings.Join(served, ", "))
		return "users that do not prove a draw are not served"
	})
}

// prepare gives the element what it checks proofs by.
func (s *selection) prepare(ctx context.Context) {
	s.run.Baseline(ctx, "registrars have nonces and a key for the users' draws", func(_ context.Context, g gomega.Gomega) string {
		var seed policy.Nonce
		_, err := rand.Read(seed[:])
		g.Expect(err).NotTo(gomega.HaveOccurred(), "system randomness")
		s.chain, err = policy.NewNonceChain(seed, time.Now().Add(-selectionPeriod*3/2), selectionPeriod, selectionLength)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "nonces")
		var public ed25519.PublicKey
		public, s.key, err = ed25519.GenerateKey(rand.Reader)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "key")
		anchor := s.chain.Anchor()
		s.spec.Selections = &sut.SelectionSpec{
			Nonce: anchor.Nonce[:], Start: anchor.Start, Period: anchor.Period, Length: anchor.Length, Keys: []sut.Hex{sut.Hex(public)},
		}
		s.spec.Policy = wire.Policy{Type: wire.Random}
		s.spec.Service = sut.Service{Transport: association.TCP, Addr: netip.AddrPortFrom(s.run.Instance.Node, 0)}
		return "an epoch of " + selectionPeriod.String()
	})
}

// resolved is what a user learns from a registrar: the element and another one.
func (s *selection) resolved(g gomega.Gomega) {
	own := s.registered.Element
	g.Expect(own.User.Addrs).NotTo(gomega.BeEmpty(), "the element registers no address")
	s.door = netip.AddrPortFrom(own.User.Addrs[0], own.User.Port)
	other := actor.NewPE(own.ID^1, documentationAddress)
	other.Policy = own.Policy
	var err error
	s.list, err = wire.SelectionList([]wire.PoolElement{own, other})
	g.Expect(err).NotTo(gomega.HaveOccurred(), "list")
}

// proof is that of a new user whose draw leads to the element, or to the other one.
func (s *selection) proof(g gomega.Gomega, drawn bool) *wire.SelectionProof {
	anchor := s.chain.Anchor()
	epoch, ok := anchor.Epoch(time.Now())
	g.Expect(ok).To(gomega.BeTrue(), "the nonces are used up")
	nonce, err := s.chain.Nonce(epoch)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "nonce")
	elements, err := wire.ParseSelectionList(s.list)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "list")
	for { // half of all lots lead to either element
		lot := s.chain.Lot(epoch, s.spec.Pool, fmt.Sprintf("user %08x", s.run.Random()))
		ticket := wire.NewSelectionTicket(s.honest.Server, epoch, nonce, lot, s.list)
		i, _ := policy.NewDraws(&ticket, 0, wire.Random, elements).Next()
		if (elements[i].ID == s.registered.Element.ID) == drawn {
			return &wire.SelectionProof{
				PoolHandle: wire.PoolHandle(s.spec.Pool), PEID: s.registered.Element.ID,
				Ticket: ticket.Sign(s.key, wire.PoolHandle(s.spec.Pool)), List: s.list,
			}
		}
	}
}

// come sends a proof, if any, and data. An impostor shows another proof behind that, proven,
// and sends more data, so that what it gets for the first is known when the last comes back.
// It returns which of the first data came back.
func (s *selection) come(ctx context.Context, proven, proof *wire.SelectionProof, data string) (served []string, err error) {
	impostor := proven != nil
	ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Response)
	defer cancel()
	d := association.Dialer{
		Transport: association.TCP, Local: s.run.Instance.Local(), Tap: s.run.World.Recorder, Wrap: script.Position(s.run.World.Recorder, impostor, nil),
	}
	if s.spec.Service.Secured {
		d.TLS = &tlspsk.Config{Certificates: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, KeyLog: s.run.World.Recorder} //nolint:gosec // users' trust in elements is the application's
	}
	a, err := d.Dial(ctx, s.door)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Abort("the user leaves") }()
	dialect := s.run.Instance.Wire
	dialect.SelectionProof = true
	c, err := channel.New(a, channel.Options{Wire: dialect})
	if err != nil {
		return nil, err
	}
	last := data
	say := func(p *wire.SelectionProof, data string) error {
		if p != nil {
			if err := c.SendControl(ctx, p); err != nil {
				return err
			}
		}
		return c.SendData(ctx, []byte(data))
	}
	if err := say(proof, data); err != nil {
		return nil, err
	}
	if impostor {
		last = "proven"
		if err := say(proven, last); err != nil {
			return nil, err
		}
	}
	for {
		m, err := c.Receive(ctx)
		switch {
		case err != nil:
			return nil, err
		case m.Data == nil:
		case string(m.Data) == last && impostor:
			return served, nil
		case string(m.Data) == last:
			return append(served, last), nil
		default:
			served = append(served, string(m.Data))
		}
	}
}
