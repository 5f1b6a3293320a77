// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_3: PE registration/deregistration spoofing.
//
// "... MUST NOT create or update state information until it has authenticated the PE. TLS is
// used as the authentication mechanism between the ENRP server and the PE. ... A PE can
// register only for itself and cannot register on behalf of other PEs."
//
// T2.3-R3 and T2.3-R4 repeat what section 2.1 says and are judged there.
func section2_3() []engine.Check {
	threat := reports.Threat{
		Attacker:     "a node that names a legitimate element: one without credentials, and one with an identity of its own",
		Precondition: "an element acts for itself only, from its own addresses",
		Effect:       "users of a pool are sent to the attacker, or to a victim that they flood; legitimate elements disappear",
		Mitigation:   "The identity that registered an element owns it, and an address counts only if the element comes from it.",
		Residual:     "ENRP carries no identities: an element that another registrar announced is known by its addresses only.",
	}
	return []engine.Check{
		{
			ID: "2.3-unauthenticated-spoofing", Section: "2.3", Role: engine.Registrar,
			Title:        "Unauthenticated nodes change and remove a registered element",
			Requirements: []string{"T2.3-R1"}, Threat: threat, Run: unauthenticatedSpoofing,
		},
		{
			ID: "2.3-clear-registration", Section: "2.3", Role: engine.Registrar,
			Title:        "A registration in clear is refused",
			Requirements: []string{"T2.2-R2", "T2.3-R2", "T2.4-R2", "T2.6-R2"}, Threat: threat, Run: clearRegistration,
		},
		{
			ID: "2.3-acting-for-another", Section: "2.3", Role: engine.Registrar,
			Title:        "An element acts for another element: re-registers it, removes it, answers for it, gives a foreign address",
			Requirements: []string{"T2.3-R6"}, Threat: threat, Applies: needsOther, Run: actingForAnother,
		},
	}
}

func unauthenticatedSpoofing(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	stranger := attackers.Stranger{Site: s.site()}
	moved := actor.NewPE(s.element.PE.ID, from(&stranger.Site, r))
	var attempts []attackers.Attempt
	nobody := s.nobody(ctx)
	r.Attack(ctx, "re-register the element at another address and deregister it, in every way that needs no credential", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		attempts, err = stranger.Everything(ctx, identity(r.Instance),
			&wire.Registration{PoolHandle: []byte(r.Instance.Pool), Element: moved},
			&wire.Deregistration{PoolHandle: []byte(r.Instance.Pool), PEID: s.element.PE.ID})
		return attempted(g, attempts, err)
	})
	nobody(ctx)
	s.look(ctx) // before the canary, whose registration would put the element back
	s.canary(ctx)
	r.Oracle(ctx, "nothing was accepted", func(_ context.Context, g gomega.Gomega) string {
		return noneAccepted(g, attempts)
	})
	r.Oracle(ctx, "the element is as it was", func(_ context.Context, g gomega.Gomega) string {
		return s.unchanged(g)
	})
}

func clearRegistration(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	stranger := attackers.Stranger{Site: s.site()}
	invented := actor.NewPE(wire.PEID(r.Random()), from(&stranger.Site, r))
	attempts := registerInClear(ctx, r, stranger, invented)
	s.canary(ctx)
	s.look(ctx)
	r.Oracle(ctx, "the registration was refused", func(_ context.Context, g gomega.Gomega) string {
		return noneAccepted(g, attempts)
	})
	r.Oracle(ctx, "the element is not in the handlespace", func(_ context.Context, g gomega.Gomega) string {
		return s.unchanged(g, invented.ID)
	})
	s.withdraw(ctx, stranger, attempts, invented.ID)
}

// registerInClear tries to register pe in clear at every door.
func registerInClear(ctx context.Context, r *engine.Run, stranger attackers.Stranger, pe wire.PoolElement) []attackers.Attempt {
	var attempts []attackers.Attempt
	r.Attack(ctx, "register an element in clear at every door", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range append(stranger.Clear(wire.ASAP), stranger.Secured(wire.ASAP)...) {
			attempts = append(attempts, stranger.InClear(ctx, door, &wire.Registration{PoolHandle: []byte(r.Instance.Pool), Element: pe})...)
		}
		return attempted(g, attempts, nil)
	})
	return attempts
}
