// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_1: PE registration/deregistration flooding -- non-existent PE.
//
// "An ENRP server that receives a registration/deregistration MUST NOT create or update
// state information until it has authenticated the PE. TLS with PSK is mandatory to
// implement as the authentication mechanism. For PSK, having a pre-shared-key constitutes
// authorization."
func section2_1() []engine.Check {
	threat := reports.Threat{
		Attacker:     "a node without credentials that reaches the registrar's ports",
		Precondition: "the registrar authenticates elements before it keeps anything of them",
		Effect:       "pool users are sent to elements that do not exist; the registrar's memory fills with them",
		Mitigation:   "TLS with pre-shared keys before anything is kept; who has none may resolve, and no more.",
		Residual:     "Half-open associations and handshakes cost the registrar something before it can refuse them.",
	}
	return []engine.Check{
		{
			ID: "2.1-unauthenticated-registration", Section: "2.1", Role: engine.Registrar,
			Title:        "Unauthenticated nodes register and deregister elements that do not exist",
			Requirements: []string{"T2.1-R1"}, Threat: threat, Run: unauthenticatedRegistration,
		},
		{
			ID: "2.1-psk-handshake", Section: "2.1", Role: engine.Registrar,
			Title:        "TLS with pre-shared keys admits the right key, and neither a wrong key nor an unknown identity",
			Requirements: []string{"T2.1-R2", "T2.2-R3", "T2.3-R3", "T2.4-R3", "T2.6-R3"}, Threat: threat, Run: pskHandshake,
		},
		{
			ID: "2.1-psk-authorises", Section: "2.1", Role: engine.Registrar, Security: sut.Secured,
			Title:        "The holder of a pre-shared key registers with no other credential",
			Requirements: []string{"T2.1-R3", "T2.2-R4", "T2.3-R4", "T2.4-R4", "T2.6-R4"}, Threat: threat, Run: pskAuthorises,
		},
	}
}

func unauthenticatedRegistration(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	stranger := attackers.Stranger{Site: s.site()}
	invented := actor.NewPE(wire.PEID(r.Random()), from(&stranger.Site, r))
	var attempts []attackers.Attempt
	nobody := s.nobody(ctx)
	r.Attack(ctx, "register and deregister an element that does not exist, in every way that needs no credential", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		attempts, err = stranger.Everything(ctx, identity(r.Instance),
			&wire.Registration{PoolHandle: []byte(r.Instance.Pool), Element: invented})
		return attempted(g, attempts, err)
	})
	nobody(ctx)
	s.canary(ctx)
	s.look(ctx)
	r.Oracle(ctx, "nothing was accepted", func(_ context.Context, g gomega.Gomega) string {
		return noneAccepted(g, attempts)
	})
	r.Oracle(ctx, "no state was created", func(_ context.Context, g gomega.Gomega) string {
		return s.unchanged(g, invented.ID)
	})
	s.withdraw(ctx, stranger, attempts, invented.ID)
}
