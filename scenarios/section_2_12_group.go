// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// thwartedDiscovery: "An ENRP server that could have been in an ENRP server pool does not
// become part of a pool" (draft section 2.12.2), because the announcements of the others are
// kept back, or drowned in forged ones.
func thwartedDiscovery() engine.Check {
	return engine.Check{
		ID: "2.12-thwarted-discovery", Section: "2.12", Role: engine.Registrar, Wanted: sut.Wanted{Peers: true}, Security: sut.Secured,
		Title:        "Announcements of registrars are kept back, and drowned in forged ones",
		Requirements: []string{"T2.12-R1"},
		Threat: reports.Threat{
			Attacker:     "a node that can send announcements, and keep those of others back",
			Precondition: "a registrar does not depend on announcements to find its group",
			Effect:       "the registrar believes that it is alone, and does not become part of the group",
			Mitigation:   "Peers are configured, and authenticated; what is announced does not displace them.",
			Residual:     "A registrar that knows its peers from announcements only can be kept from all of them.",
		},
		Applies: needsPeers, Run: thwartDiscovery,
	}
}

func thwartDiscovery(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	grouped(r)
	victim := s.victim()
	// found tells whether the registrar comes to its peer, which is there from now on.
	found := func(ctx context.Context, g gomega.Gomega) bool {
		station, err := s.peerStation(ctx, victim, r.Instance.Peers[0], honestSite(r), false)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "wait for the registrar")
		defer station.Close()
		return s.visited(ctx, station) == nil
	}
	var kept, flooded bool
	r.Passive(ctx, "keep every announcement of the peer back: the registrar knows it from its configuration", func(ctx context.Context, g gomega.Gomega) string {
		kept = found(ctx, g)
		return fmt.Sprintf("the registrar comes to its peer: %t", kept)
	})
	r.Attack(ctx, fmt.Sprintf("announce %d registrars that are not there, while the peer comes back", forgedServers), func(ctx context.Context, g gomega.Gomega) string {
		where := s.site()
		announcer := attackers.Announcer{Site: where}
		nobody := netip.AddrPortFrom(r.Instance.Peers[0].Addr.Addr(), floodPort)
		forged := victim.Servers(forgedServers, nobody, from(&where, r))
		attempts, err := announcer.Announce(ctx, forged...)
		told := attempted(g, attempts[:min(2, len(attempts))], err)
		flooded = kept && found(ctx, g) // who does not go by its configuration is not asked again
		return fmt.Sprintf("%s; the registrar comes to its peer: %t", told, flooded)
	})
	alive := s.canary(ctx)
	s.look(ctx)
	listed, known := s.listed(ctx)
	comes := alive && kept && r.Canary(ctx, "without a flood, the registrar comes to its peer", func(ctx context.Context, g gomega.Gomega) string {
		g.Expect(found(ctx, g)).To(gomega.BeTrue(), "it does not come")
		return "it comes"
	})
	if alive { // otherwise, that it did not come says nothing
		r.Oracle(ctx, "a registrar finds its peer without announcements", func(_ context.Context, g gomega.Gomega) string {
			g.Expect(kept).To(gomega.BeTrue(), "without announcements the registrar does not come to the peer that it is configured with")
			return "the configured peer is found"
		})
	}
	if comes { // as above, of the flood
		r.Oracle(ctx, "a flood of announcements does not keep a registrar from its peer", func(_ context.Context, g gomega.Gomega) string {
			g.Expect(flooded).To(gomega.BeTrue(), "among %d registrars that are not there, the registrar does not find its peer", forgedServers)
			return "the peer is found among those that are not there"
		})
	}
	r.Oracle(ctx, "no registrar is in the group because it was announced", func(_ context.Context, g gomega.Gomega) string {
		return noneForged(g, listed, known)
	})
}
