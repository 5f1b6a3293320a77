// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
)

// section2_2Element: what sections 2.2 to 2.4 and 2.6 say alike of registrar and element.
//
// "TLS is used as the authentication mechanism between the ENRP server and PE."
func section2_2Element() []engine.Check {
	return []engine.Check{{
		ID: "2.2-pe-clear-registrar", Section: "2.2", Role: engine.PoolElement,
		Title:        "A registrar in clear gets nothing but the beginning of TLS",
		Requirements: []string{"T2.2-R2", "T2.3-R2", "T2.4-R2", "T2.6-R2"},
		Threat: reports.Threat{
			Attacker:     "a node that listens in clear where the element looks for its registrar, at every port of ASAP",
			Precondition: "the element speaks ASAP over TLS or not at all",
			Effect:       "an element that can be talked out of TLS registers with anybody, for everybody to read",
			Mitigation:   "A secured element begins every association with TLS and never falls back to clear.",
			Residual:     "A node in the way that speaks no TLS still keeps the element from its registrar.",
		},
		Applies: needsElementKey, Run: clearRegistrar,
	}}
}

func clearRegistrar(ctx context.Context, r *engine.Run) {
	s := setElement(ctx, r)
	defer s.leave(ctx)
	var rogues []*attackers.RogueRegistrar
	r.Attack(ctx, "listen in clear where the element looks for its registrar, and speak ASAP", func(ctx context.Context, g gomega.Gomega) string {
		rogue := s.rogue(ctx, g, attackers.PoseInClear(), s.clearDoors()...)
		rogues = append(rogues, rogue)
		return fmt.Sprintf("the element came %d times", rogue.Attempts())
	})
	s.canary(ctx)
	r.Oracle(ctx, "the element said nothing in clear", func(_ context.Context, g gomega.Gomega) string {
		return untold(g, rogues)
	})
	r.Oracle(ctx, "it began with TLS", func(_ context.Context, g gomega.Gomega) string {
		return beginsTLS(g, rogues)
	})
}

// clearDoors are those at the registrar's address at which an element might look for one in
// clear: the registered port on every transport that a harness in user space has, beside
// the place itself.
func (s *elementStage) clearDoors() []script.Door {
	p := s.registrar.Place
	at := netip.AddrPortFrom(p.Addr.Addr(), wire.PortASAP)
	var doors []script.Door
	for _, t := range []association.Transport{p.Transport, association.TCP} {
		door := script.Door{Protocol: wire.ASAP, Transport: t, Addr: at, EncapsulationPort: p.EncapsulationPort}
		taken := at == p.Addr && t == p.Transport
		for _, d := range doors {
			taken = taken || d == door
		}
		if !taken {
			doors = append(doors, door)
		}
	}
	return doors
}
