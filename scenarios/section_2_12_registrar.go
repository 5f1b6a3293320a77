// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_12Registrar: ENRP server discovery, on registrars, which discover each other.
//
// "A provision for authentication MUST be present and a provision for data confidentiality
// service SHOULD be present. TLS has a mechanism for confidentiality."
func section2_12Registrar() []engine.Check {
	return []engine.Check{
		{
			ID: "2.12-forged-registrars", Section: "2.12", Role: engine.Registrar, Security: sut.Secured,
			Title:        "Datagrams and multicast announce registrars that do not exist, and one of the attacker's",
			Requirements: []string{"T2.12-R1"},
			Threat: reports.Threat{
				Attacker:     "a node anywhere that can send datagrams to the announcement ports",
				Precondition: "what is announced is believed only after it has authenticated itself",
				Effect:       "a rogue registrar is in the group, or the real ones are lost among those that do not exist",
				Mitigation:   "announcements name places to look at, and nothing more; a registrar is one that holds a registrar's key",
				Residual:     "an attacker on the path can keep announcements from arriving",
			},
			Applies: needsDatagrams, Run: forgedRegistrars,
		},
		{
			ID: "2.12-confidential-discovery", Section: "2.12", Role: engine.Registrar, Security: sut.Secured,
			Title:        "A passive node looks for what registrars tell each other of their group",
			Requirements: []string{"T2.12-R2", "T2.12-R3"},
			Threat: reports.Threat{
				Attacker:     "a passive node on the path between registrars",
				Precondition: "an encrypting cipher suite is negotiated, and no other can be",
				Effect:       "the attacker learns which registrars there are, and where",
				Mitigation:   "ENRP runs over TLS with encrypting cipher suites",
				Residual:     "addresses of packets, their sizes and times still show",
			},
			Applies: needsPeer, Run: confidentialDiscovery,
		},
		thwartedDiscovery(),
	}
}

// needsDatagrams wants a port to which datagrams can be sent.
func needsDatagrams(i *sut.Instance) string {
	if !slices.ContainsFunc(i.Doors, func(d sut.Door) bool { return d.Transport == association.UDP }) {
		return "no UDP port is configured"
	}
	return ""
}

// grouped says where no multicast group is attacked, which registrars may listen to as well
// (RFC 5352 section 3.6).
func grouped(r *engine.Run) {
	if !slices.ContainsFunc(r.Instance.Doors, func(d sut.Door) bool { return d.Transport == association.UDP && d.Addr.Addr().IsMulticast() }) {
		r.LessCertain("no multicast group is configured (a udp door with its address), so announcements went to ports only")
	}
}

// forgedServers is how many registrars are made up: more than any group has, and more than
// RFC 5352 section 3.6 lets slow the announcements of a real one down for long.
const forgedServers = 100

func forgedRegistrars(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	grouped(r)
	where := s.site()
	at := from(&where, r)
	victim := s.victim()
	var rogue *script.Station
	r.Baseline(ctx, "a rogue registrar waits where it will be announced", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		rogue, err = script.Listen(ctx, script.StationOptions{
			Name: attackers.Name + " registrar", Peer: "registrar", Hostile: true, TLS: attackers.GuessedKeys(),
			Wire: r.Instance.Wire, Recorder: r.World.Recorder,
		}, rogueDoor(r.Instance.Local()))
		g.Expect(err).NotTo(gomega.HaveOccurred(), "listen")
		return "it waits at " + rogue.Doors()[0].Addr.String()
	})
	defer rogue.Close()
	var attempts []attackers.Attempt
	r.Attack(ctx, fmt.Sprintf("announce %d registrars to ports and groups, the rogue one among them", forgedServers), func(ctx context.Context, g gomega.Gomega) string {
		announcer := attackers.Announcer{Site: where}
		var err error
		attempts, err = announcer.Announce(ctx, victim.Servers(forgedServers, rogue.Doors()[0].Addr, at)...)
		return attempted(g, attempts[:min(2, len(attempts))], err)
	})
	s.canary(ctx)
	s.look(ctx)
	listed, known := s.listed(ctx)
	r.Oracle(ctx, "no registrar is trusted because it was announced", func(_ context.Context, g gomega.Gomega) string {
		noneForged(g, listed, known)
		for _, n := range rogue.Nodes() {
			g.Expect(n.Received()).To(gomega.BeEmpty(), "the rogue registrar is spoken to")
		}
		return fmt.Sprintf("none of %d registrars was believed", forgedServers)
	})
	r.Oracle(ctx, "the handlespace is as it was", func(_ context.Context, g gomega.Gomega) string {
		return s.unchanged(g)
	})
}

// noneForged looks for made-up registrars in the list that a peer was told.
func noneForged(g gomega.Gomega, listed []wire.ServerID, known bool) string {
	if !known {
		return "nobody may ask for the list"
	}
	forged := 0
	for _, id := range listed {
		if attackers.Forged(id) {
			forged++
		}
	}
	g.Expect(forged).To(gomega.BeZero(), "%d registrars that were only announced are in the list that peers are told", forged)
	return fmt.Sprintf("none of %d registrars in the list was made up", len(listed))
}

// rogueDoor is where a rogue registrar waits; nobody is told the port but by announcements.
func rogueDoor(at netip.Addr) script.Door {
	if !at.IsValid() {
		at = netip.IPv4Unspecified()
	}
	return script.Door{Protocol: wire.ENRP, Transport: association.TCP, Secured: true, Addr: netip.AddrPortFrom(at, 0)}
}

func confidentialDiscovery(ctx context.Context, r *engine.Run) {
	ear := &attackers.Eavesdropper{}
	r.World.Recorder = overheard{r.World.Recorder, ear}
	s := set(ctx, r)
	defer s.leave(ctx)
	const secondID = wire.ServerID(0x5e7e7a1d)
	secrets := []attackers.Secret{
		{What: "server identifier", Bytes: binary.BigEndian.AppendUint32(nil, uint32(secondID))},
		{What: "pool handle", Bytes: []byte(r.Instance.Pool)},
	}
	var read []string
	r.Passive(ctx, "listen to a registrar that joins, and asks for the list and the handle table", func(ctx context.Context, g gomega.Gomega) string {
		p, err := r.World.OpenPeer(ctx, actor.PeerSpec{Name: "peer joining", ID: secondID})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "join")
		defer p.Close(ctx)
		_, err = p.Servers(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "ask for the list")
		_, err = p.Table(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "ask for the handle table")
		octets, all := ear.Overheard()
		g.Expect(octets).NotTo(gomega.BeZero(), "the eavesdropper heard nothing")
		g.Expect(all).To(gomega.BeTrue(), "there was more than the eavesdropper could keep")
		read = ear.Reads(secrets)
		return fmt.Sprintf("%d octets overheard", octets)
	})
	null := nullSuites(ctx, r)
	s.canary(ctx)
	r.Oracle(ctx, "nothing of the group can be read, and suites without encryption are refused", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(read).To(gomega.BeEmpty(), "an eavesdropper reads: %s", strings.Join(read, ", "))
		g.Expect(null).To(gomega.BeEmpty(), "the registrar agrees to %s", strings.Join(null, "; "))
		return "neither servers nor pools can be read"
	})
}
