// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// section2_6Element: Registration/deregistration with malicious ENRP server.
//
// "The PE MUST authenticate the ENRP server. TLS is the mechanism used for the
// authentication. TLS with PSK is mandatory to implement as the authentication mechanism.
// For PSK, having a pre-shared-key constitutes authorization. The network administrators of
// a pool need to decide which nodes are authorized to participate in the pool. This
// requirement prevents malicious outsiders and insiders from adding their own ENRP server to
// the pool."
//
// T2.6-R2 is judged with section 2.2, T2.6-R3 with section 2.1.
func section2_6Element() []engine.Check {
	threat := reports.Threat{
		Attacker:     "a node that stands where the element looks for its registrar, and has no key of the system",
		Precondition: "the element tells nobody anything who has not shown to know its key",
		Effect:       "registrations vanish, or users are sent wherever the rogue likes",
		Mitigation:   "TLS with the element's own pre-shared key: who does not hold it cannot finish the handshake.",
		Residual:     "A rogue at the registrar's address keeps the element out of its pool as long as it stands there.",
	}
	caller, insider, deployment := threat, threat, threat
	caller.Attacker = "a node without a key of the system, which comes to the element's own door"
	caller.Effect = "the element is moved to a home that the rogue is, and leaves its registrar"
	caller.Mitigation = "The door admits the identities of registrars only, and the H flag moves the element to nobody else."
	insider.Attacker = "an element of the same pool: it holds its own key, and that of no registrar"
	insider.Precondition = "each key has one role, and an element's is not that of a registrar"
	insider.Mitigation = "A key for each identity, and a role for each key: that of another element opens nothing."
	insider.Residual = "Who administers keys has to keep them apart; one key for all would make every element a registrar."
	deployment.Attacker = "a registrar whose key the administrators have withdrawn"
	deployment.Precondition = "the administrators have given the element another key"
	deployment.Mitigation = "The element goes by the keys and the places that it is configured with, and by nothing it has learnt."
	deployment.Residual = "Until its configuration is changed an element trusts a registrar that has gone bad."
	return []engine.Check{
		{
			ID: "2.6-pe-rogue-registrar", Section: "2.6", Role: engine.PoolElement,
			Title:        "A rogue registrar stands where the element looks for its own",
			Requirements: []string{"T2.6-R1"}, Threat: threat, Applies: needsElementKey, Run: rogueRegistrar,
		},
		{
			ID: "2.6-pe-rogue-caller", Section: "2.6", Role: engine.PoolElement,
			Title:        "A rogue registrar comes to the element and wants to be its home",
			Requirements: []string{"T2.6-R1"}, Threat: caller, Applies: needsRegistrarKey, Run: rogueCaller,
		},
		{
			ID: "2.6-pe-psk-authorises", Section: "2.6", Role: engine.PoolElement, Security: sut.Secured,
			Title:        "A registrar that holds the element's key is its registrar, with no other credential",
			Requirements: []string{"T2.6-R4"}, Threat: threat, Applies: needsElementKey, Run: registrarAuthorised,
		},
		{
			ID: "2.6-pe-administration", Section: "2.6", Role: engine.PoolElement, Rung: 1, Security: sut.Secured,
			Title:        "A registrar whose key was withdrawn is none any more",
			Requirements: []string{"T2.6-R5"}, Threat: deployment, Applies: needsElementKey, Run: registrarWithdrawn,
		},
		{
			ID: "2.6-pe-insider", Section: "2.6", Role: engine.PoolElement,
			Title:        "An element poses as a registrar to another element",
			Requirements: []string{"T2.6-R6"}, Threat: insider, Applies: needsInsider, Run: insiderRegistrar,
		},
	}
}

// needsElementKey wants the key of the element under test, without which the harness cannot
// play its registrar.
func needsElementKey(i *sut.Instance) string {
	if i.Security == sut.Secured && i.Credentials.Element == nil {
		return "needs the key of the element (credentials.element)"
	}
	return ""
}

// poses are the ways of a rogue registrar without a key of the system.
func poses(g gomega.Gomega, r *engine.Run) []attackers.Pose {
	if r.Instance.Security == sut.Clear {
		return []attackers.Pose{attackers.PoseInClear()}
	}
	guess := make([]byte, 32)
	_, err := rand.Read(guess)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "system randomness")
	certificate, err := attackers.SelfSigned("registrar.rspthreat.test")
	g.Expect(err).NotTo(gomega.HaveOccurred(), "certificate")
	return []attackers.Pose{
		attackers.PoseWithKey("a key of its own making", guess), attackers.PoseWithIdentity(), attackers.PoseWithCertificate(certificate),
	}
}

func rogueRegistrar(ctx context.Context, r *engine.Run) {
	s := setElement(ctx, r)
	defer s.leave(ctx)
	var rogues []*attackers.RogueRegistrar
	r.Attack(ctx, "stand where the element looks for its registrar, and grant whatever it asks", func(ctx context.Context, g gomega.Gomega) string {
		var tried []string
		for _, pose := range poses(g, r) {
			rogues = append(rogues, s.rogue(ctx, g, pose))
			tried = append(tried, pose.What)
		}
		return "the element came to a rogue that shows " + strings.Join(tried, ", to one that shows ")
	})
	s.canary(ctx)
	r.Oracle(ctx, "the element told the rogue registrars nothing", func(_ context.Context, g gomega.Gomega) string {
		return untold(g, rogues)
	})
}

func registrarAuthorised(ctx context.Context, r *engine.Run) {
	s := newElementStage(ctx, r)
	defer s.leave(ctx)
	s.open(ctx)
	var registered bool
	r.Baseline(ctx, "the element comes to a registrar that has its key and nothing else", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		registered, err = s.decides(ctx, moment{}, tries)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "the element does not come")
		g.Expect(s.alerted()).NotTo(gomega.HaveOccurred(), "element and registrar do not agree on TLS")
		return "nobody objects to TLS with " + s.spec.Identity.String()
	})
	r.Oracle(ctx, "it registers there", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(registered).To(gomega.BeTrue(), "the element leaves a registrar that has its key, without a word")
		return "the element registers"
	})
}

func registrarWithdrawn(ctx context.Context, r *engine.Run) {
	s := setElement(ctx, r)
	defer s.leave(ctx)
	withdrawn := s.spec.Identity
	fresh := &sut.PSK{Identity: withdrawn.Identity, Key: make([]byte, 32)}
	var rogue *attackers.RogueRegistrar
	r.Attack(ctx, "the element is given another key, and a registrar that has the old one stands at its place", func(ctx context.Context, g gomega.Gomega) string {
		_, err := rand.Read(fresh.Key)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "system randomness")
		s.spec.Identity = fresh
		rogue = s.rogue(ctx, g, attackers.PoseWithKey("the key that was withdrawn", withdrawn.Key))
		return fmt.Sprintf("the element came %d times", rogue.Attempts())
	})
	s.registrar.TLS = attackers.PoseWithKey("", fresh.Key).TLS
	s.canary(ctx)
	r.Oracle(ctx, "the element told a registrar with the withdrawn key nothing", func(_ context.Context, g gomega.Gomega) string {
		return untold(g, []*attackers.RogueRegistrar{rogue})
	})
}
