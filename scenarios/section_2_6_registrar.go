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
)

// section2_6Registrar: Registration/deregistration with malicious ENRP server, on registrars.
//
// "This requirement prevents malicious outsiders and insiders from adding their own ENRP
// server to the pool." What the section says of TLS and pre-shared keys (T2.6-R2, R3 and R4)
// is judged with sections 2.1 and 2.3, which say the same.
func section2_6Registrar() []engine.Check {
	return []engine.Check{{
		ID: "2.6-server-of-an-insider", Section: "2.6", Role: engine.Registrar, Security: sut.Secured,
		Title:        "Outsiders, and insiders with an element's key, pose as a registrar of the group",
		Requirements: []string{"T2.6-R6"},
		Threat: reports.Threat{
			Attacker:     "a node without a key, or a pool element that uses its own key, at the ENRP doors",
			Precondition: "a key says not only who somebody is, but also what",
			Effect:       "elements and users are led to a registrar of the attacker's, which is in the group's list",
			Mitigation:   "pre-shared keys belong to a role: an element's key opens no ENRP session",
			Residual:     "whoever steals a registrar's key is a registrar",
		},
		Applies: needsENRP, Run: serverOfAnInsider,
	}}
}

func serverOfAnInsider(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	victim := s.victim()
	insider := &attackers.Spoofer{Site: s.site()}
	at := from(&insider.Site, r)
	stranger := attackers.Stranger{Site: insider.Site}
	var attempts []attackers.Attempt
	r.Attack(ctx, "introduce oneself as a registrar and send each of the ten ENRP messages, without a key and with an element's", func(ctx context.Context, g gomega.Gomega) string {
		introduced := append(victim.ENRP(at), victim.Remove(at))
		for _, door := range stranger.Secured(wire.ENRP) {
			attempts = append(attempts, stranger.Anonymous(ctx, door, victim.ENRP(at)...)...)
			for _, key := range []*sut.PSK{r.Instance.Credentials.Element, r.Instance.Credentials.Restricted} {
				if key == nil {
					continue
				}
				insider.Who, insider.Identity, insider.Key, insider.Door = key.Identity, key.Identity, key.Key, door
				said := insider.Try(ctx, introduced...)
				// Who is sent away for a message comes again with those that it did not say.
				said = append(said, insider.Each(ctx, attackers.Unsaid(said, introduced)...)...)
				attempts = append(attempts, said...)
				if slices.ContainsFunc(said, func(a attackers.Attempt) bool { return attackers.Discloses(a.Answer) }) {
					break // it is in, and nobody else may speak for its server ID
				}
			}
		}
		return attempted(g, attempts, nil)
	})
	s.look(ctx)
	s.canary(ctx)
	listed, known := s.listed(ctx)
	r.Oracle(ctx, "nobody was let into the group", func(_ context.Context, g gomega.Gomega) string {
		if known {
			g.Expect(listed).NotTo(gomega.ContainElement(attackers.RogueServer), "the rogue registrar is in the list of the group's registrars")
		}
		return noneAnswered(g, attempts)
	})
	r.Oracle(ctx, "what they said of elements is not in the handlespace", func(_ context.Context, g gomega.Gomega) string {
		return s.unchanged(g, victim.Element)
	})
}

// listed asks for the registrars that the system tells its peers of.
func (s *stage) listed(ctx context.Context) (ids []wire.ServerID, known bool) {
	peer := s.view.Peer()
	if peer == nil {
		return nil, false
	}
	s.run.Canary(ctx, "a peer asks for the list of registrars", func(ctx context.Context, g gomega.Gomega) string {
		servers, err := peer.Servers(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "ask for the list")
		for _, i := range servers {
			ids = append(ids, i.ID)
		}
		known = true
		return fmt.Sprintf("%d registrars are listed", len(ids))
	})
	return ids, known
}
