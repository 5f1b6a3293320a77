// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"slices"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// withdrawal is about the administrators, who "need to decide which nodes are authorized to
// participate in the pool" (sections 2.1 to 2.5): who is not authorized any more is kept out.
func withdrawal() []engine.Check {
	threat := reports.Threat{
		Attacker:     "a node whose key the administrator has withdrawn, and that still has it",
		Precondition: "the registrar learns at once what the administrator has decided",
		Effect:       "a stolen or retired node goes on changing the handlespace",
		Mitigation:   "keys are looked up for each handshake, and grants for each message",
		Residual:     "until an administrator acts, a stolen key is good",
	}
	return []engine.Check{
		{
			ID: "2.1-withdrawn-element", Section: "2.1", Role: engine.Registrar, Security: sut.Secured, Rung: 1,
			Title:        "An element registers with a key that was withdrawn",
			Requirements: []string{"T2.1-R4", "T2.2-R5", "T2.3-R5", "T2.4-R5"}, Threat: threat,
			Applies: needsOther, Run: withdrawnElement,
		},
		{
			ID: "2.5-withdrawn-registrar", Section: "2.5", Role: engine.Registrar, Security: sut.Secured, Rung: 1,
			Title:        "A registrar speaks to the group with a key that was withdrawn",
			Requirements: []string{"T2.5-R5"}, Threat: threat,
			Applies: needsPeer, Run: withdrawnRegistrar,
		},
	}
}

// needsPeer wants a peer registrar's identity and a door for it.
func needsPeer(i *sut.Instance) string {
	if i.Credentials.Peer == nil {
		return "needs a peer registrar's key (credentials.peer)"
	}
	return needsENRP(i)
}

func withdrawnElement(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	spoofer := s.spoofer(r.Instance.Credentials.Other)
	invented := actor.NewPE(wire.PEID(r.Random()), from(&spoofer.Site, r))
	good := wire.PEID(r.Random()) // an element of its own, so that peers hear of the other one only if it is let in
	pool := []byte(r.Instance.Pool)
	registration := &wire.Registration{PoolHandle: pool, Element: invented}
	r.Baseline(ctx, "the other element's key is good", func(ctx context.Context, g gomega.Gomega) string {
		n, err := r.World.OpenAs(ctx, "pe other", s.element.Door(), r.Instance.Credentials.Other)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect with the key")
		defer n.Close(ctx)
		g.Expect(actor.Register(ctx, n, r.Instance.Pool, actor.NewPE(good, n.Info().Local.Addr()))).To(gomega.Succeed(), "register with the key")
		_, err = n.Request(ctx, &wire.Deregistration{PoolHandle: pool, PEID: good}, func(m wire.Message) bool {
			_, ok := m.(*wire.DeregistrationResponse)
			return ok
		})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "deregister again")
		return "it registers and deregisters"
	})
	holder := &attackers.TicketHolder{Spoofer: *spoofer}
	r.Baseline(ctx, "the other element resolves, and keeps what it could resume its sessions with", func(ctx context.Context, g gomega.Gomega) string {
		held, err := holder.Collect(ctx, &wire.HandleResolution{PoolHandle: pool}, isResolved)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve with the key")
		return fmt.Sprintf("%d session tickets were handed out", held)
	})
	r.Need(ctx, "the administrator withdraws the key", func(ctx context.Context) (string, error) {
		return "it is withdrawn", r.Instance.Revoke(ctx, r.Instance.Credentials.Other.Identity)
	})
	var attempts []attackers.Attempt
	r.Attack(ctx, "register and deregister with the key that was withdrawn", func(ctx context.Context, g gomega.Gomega) string {
		attempts = spoofer.Try(ctx, registration, &wire.Deregistration{PoolHandle: pool, PEID: s.element.PE.ID})
		return attempted(g, attempts, nil)
	})
	r.Attack(ctx, "register and deregister with the sessions from before", func(ctx context.Context, g gomega.Gomega) string {
		resumed := holder.Resume(ctx, registration, &wire.Deregistration{PoolHandle: pool, PEID: s.element.PE.ID})
		attempts = append(attempts, resumed...)
		return attempted(g, resumed, nil)
	})
	s.look(ctx)
	s.canary(ctx)
	r.Oracle(ctx, "nothing was accepted", func(_ context.Context, g gomega.Gomega) string {
		return noneAccepted(g, attempts)
	})
	r.Oracle(ctx, "the handlespace is as it was, and peers heard nothing", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(s.updatesAbout(map[wire.PEID]bool{invented.ID: true})).To(gomega.BeZero(), "peers were told of the element of a key that was withdrawn")
		return s.unchanged(g, invented.ID)
	})
}

func withdrawnRegistrar(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	key := r.Instance.Credentials.Peer
	victim := s.victim()
	rogue := &attackers.Spoofer{Site: s.site(), Who: key.Identity, Identity: key.Identity, Key: key.Key}
	at := from(&rogue.Site, r)
	// The observing peer has come with that key: what it saw before is the baseline, and it
	// may be sent away with the key.
	r.Need(ctx, "the administrator withdraws the registrar's key", func(ctx context.Context) (string, error) {
		return "it is withdrawn", r.Instance.Revoke(ctx, key.Identity)
	})
	var attempts []attackers.Attempt
	r.Attack(ctx, "introduce oneself, update and ask for the handle table with the key that was withdrawn", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range r.World.Doors(wire.ENRP) {
			rogue.Door = door
			attempts = append(attempts, rogue.Try(ctx,
				victim.RoguePresence(at),
				victim.Own(wire.AddPE, victim.Element, at),
				&wire.HandleTableRequest{Sender: attackers.RogueServer, Receiver: victim.Server})...)
		}
		return attempted(g, attempts, nil)
	})
	s.canary(ctx)
	var resolved []wire.PoolElement
	var seen bool
	r.Canary(ctx, "a pool user resolves the pool", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		resolved, err = s.view.User().Resolve(ctx, r.Instance.Pool)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve")
		seen = true
		return fmt.Sprintf("%d elements", len(resolved))
	})
	r.Oracle(ctx, "the registrar that is not one any more is not heard", func(_ context.Context, g gomega.Gomega) string {
		if seen {
			g.Expect(slices.ContainsFunc(resolved, func(e wire.PoolElement) bool { return e.ID == victim.Element })).To(gomega.BeFalse(), "its element %s is in the pool", victim.Element)
		}
		return noneAnswered(g, attempts)
	})
}
