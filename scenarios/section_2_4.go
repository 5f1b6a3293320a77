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

// section2_4: PE registration/deregistration unauthorized.
//
// "An ENRP server that receives a registration/deregistration MUST NOT create or update
// state information until it has authorized the requesting entity."
//
// T2.4-R2 is judged with section 2.3, T2.4-R3 and T2.4-R4 with section 2.1.
func section2_4() []engine.Check {
	return []engine.Check{{
		ID: "2.4-unauthorised", Section: "2.4", Role: engine.Registrar,
		Title:        "Authenticated nodes join and leave a pool that they are not authorised for",
		Requirements: []string{"T2.4-R1"},
		Threat: reports.Threat{
			Attacker:     "a node with a valid identity: an element of another pool, a peer registrar",
			Precondition: "an identity is authorised for a role and for certain pools",
			Effect:       "users of a pool are served by elements that its administrators never admitted",
			Mitigation:   "Each identity has a role, and each element's the pools that it may join.",
			Residual:     "Where an administrator gives one key to many elements, they cannot be told apart.",
		},
		Applies: needsUnauthorised, Run: unauthorised,
	}}
}

// needsUnauthorised wants an identity that may not join the pool, where there are identities.
func needsUnauthorised(i *sut.Instance) string {
	if i.Security == sut.Secured && i.Credentials.Restricted == nil && i.Credentials.Peer == nil {
		return "needs an identity that may not join the pool (credentials.restricted_element or credentials.peer)"
	}
	return ""
}

func unauthorised(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	intruders := []*sut.PSK{nil} // a system in clear: a stranger
	if r.Instance.Security == sut.Secured {
		intruders = nil
		for _, k := range []*sut.PSK{r.Instance.Credentials.Restricted, r.Instance.Credentials.Peer} {
			if k != nil {
				intruders = append(intruders, k)
			} else {
				r.LessCertain("only one of restricted_element and peer was given")
			}
		}
	}
	var attempts []attackers.Attempt
	var ids []wire.PEID
	r.Attack(ctx, "join the pool, and take another's element out of it, with identities that are not authorised for it", func(ctx context.Context, g gomega.Gomega) string {
		for _, k := range intruders {
			id := wire.PEID(r.Random())
			ids = append(ids, id)
			spoofer := s.spoofer(k)
			invented := actor.NewPE(id, from(&spoofer.Site, r))
			attempts = append(attempts, spoofer.Try(ctx,
				&wire.Registration{PoolHandle: []byte(r.Instance.Pool), Element: invented},
				&wire.Deregistration{PoolHandle: []byte(r.Instance.Pool), PEID: s.element.PE.ID})...)
		}
		return attempted(g, attempts, nil)
	})
	s.look(ctx)
	s.canary(ctx)
	r.Oracle(ctx, "nothing was accepted", func(_ context.Context, g gomega.Gomega) string {
		return noneAccepted(g, attempts)
	})
	r.Oracle(ctx, "the pool is as it was", func(_ context.Context, g gomega.Gomega) string {
		return s.unchanged(g, ids...)
	})
}
