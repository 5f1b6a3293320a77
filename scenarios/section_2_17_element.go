// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
)

// section2_17Element: Potential insider attacks from legitimate ENRP servers, on pool elements.
//
// "To mitigate the second attack, the protocol might require the PE to sign the policy sent
// to the ENRP server." The section informs and requires nothing, and so do these checks. How
// the reference does it is an experimental extension (reference/EXTENSIONS.md).
func section2_17Element() []engine.Check {
	return []engine.Check{{
		ID: "2.17-pe-signed-policy", Section: "2.17", Role: engine.PoolElement, Rung: 1,
		Title:        "An element signs the policy that it registers",
		Requirements: []string{"T2.17-R2"},
		Threat: reports.Threat{
			Attacker:     "an authentic registrar, or one that was broken into, which shows users another policy than was registered",
			Precondition: "users can tell what the element itself has said",
			Effect:       "the load goes where the registrar likes, and nobody can be held to account for it",
			Mitigation:   "The element signs policy and transport with a key that users know out of band.",
			Residual:     "A registrar can still leave an element out, or show what it signed a while ago until that expires.",
		},
		Applies: needsElementKey, Run: signedPolicy,
	}, {
		ID: "2.17-pe-proven-selection", Section: "2.17", Role: engine.PoolElement, Rung: 1,
		Title:        "Users come to an element that they have chosen, and not drawn",
		Requirements: []string{"T2.17-R1"},
		Threat: reports.Threat{
			Attacker:     "a pool user that says it has drawn the element at random, and has chosen it",
			Precondition: "the element serves those only who prove how they selected it",
			Effect:       "the load is not shared: all go to the element that they like, or that they want to overload",
			Mitigation:   "The draw is a hash over a public nonce and a lot that a registrar gives out and signs.",
			Residual:     "A user that is in league with a registrar, or has many addresses, still gets the lots that it wants.",
		},
		Applies: needsElementKey, Run: provenSelection,
	}}
}

func signedPolicy(ctx context.Context, r *engine.Run) {
	s := newElementStage(ctx, r)
	defer s.leave(ctx)
	s.spec.SigningKey = make([]byte, ed25519.SeedSize)
	r.Baseline(ctx, "the element gets a key to sign with", func(_ context.Context, g gomega.Gomega) string {
		_, err := rand.Read(s.spec.SigningKey)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "system randomness")
		return "an Ed25519 key"
	})
	s.begin(ctx)
	first := s.registered.Element
	again := first
	r.Passive(ctx, "the registrar reads what the element registers, and registers again", func(ctx context.Context, g gomega.Gomega) string {
		s.renews(ctx, g)
		again = s.registered.Element
		return fmt.Sprintf("signed policies of %d and %d octets", len(first.SignedPolicy), len(again.SignedPolicy))
	})
	r.Canary(ctx, "the element acknowledges a keep-alive", func(ctx context.Context, g gomega.Gomega) string {
		g.Expect(s.keepAlive(ctx)).To(gomega.Succeed(), "keep-alive")
		return "it acknowledges"
	})
	r.Oracle(ctx, "policy and transport are signed, and each time anew", func(_ context.Context, g gomega.Gomega) string {
		older, newer := s.statement(g, &first), s.statement(g, &again)
		g.Expect(newer.Sequence).To(gomega.BeNumerically(">", older.Sequence), "an older statement cannot be told from a newer one")
		return fmt.Sprintf("signed until %s", newer.Expires.UTC())
	})
}

// statement is what the element has signed of itself.
func (s *elementStage) statement(g gomega.Gomega, e *wire.PoolElement) wire.SignedPolicy {
	g.Expect(e.SignedPolicy).NotTo(gomega.BeEmpty(), "the element does not sign the policy that it registers")
	public := ed25519.NewKeyFromSeed(s.spec.SigningKey).Public().(ed25519.PublicKey)
	g.Expect(wire.VerifySignedPolicy(public, wire.PoolHandle(s.spec.Pool), e.ID, e.SignedPolicy)).To(gomega.Succeed(), "verify the signature")
	statement, err := wire.ParseSignedPolicy(e.SignedPolicy)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "read what is signed")
	g.Expect(statement.Says(&e.User, &e.Policy)).To(gomega.BeTrue(), "the element signs another policy or transport than it registers")
	return statement
}
