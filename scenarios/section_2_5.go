// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// section2_5: Malicious ENRP server joins the group of legitimate ENRP servers.
//
// "ENRP servers MUST mutually authenticate. TLS is the mechanism used for mutual
// authentication of ENRP servers. TLS with PSK is mandatory to implement as the
// authentication mechanism. For PSK, having a pre-shared-key constitutes authorization. The
// network administrators of a pool need to decide which nodes are authorized to participate
// in the pool."
//
// T2.5-R5 is judged with the other decisions of administrators, with section 2.1; what the
// holder of an element's key says as a registrar is judged with T2.6-R6, in section 2.6.
func section2_5() []engine.Check {
	threat := reports.Threat{
		Attacker:     "a node that speaks ENRP without being one of the group's registrars: as the one who calls, and where the registrar calls",
		Precondition: "registrars prove to each other who they are before either says anything",
		Effect:       "the attacker reads the whole handlespace, and adds, moves and removes elements in it as a registrar does",
		Mitigation:   "TLS with pre-shared keys in both directions, and a key that is that of a registrar.",
		Residual:     "Whoever holds a registrar's key is one; the draft leaves it to section 2.17 what it may do then.",
	}
	return []engine.Check{
		{
			ID: "2.5-rogue-caller", Section: "2.5", Role: engine.Registrar,
			Title:        "A node that nobody authenticated sends each of the ten ENRP messages",
			Requirements: []string{"T2.5-R1", "T2.5-R2"}, Threat: threat, Applies: needsENRP, Run: rogueRegistrarCalls,
		},
		{
			ID: "2.5-rogue-called", Section: "2.5", Role: engine.Registrar, Wanted: sut.Wanted{Peers: true},
			Title:        "A rogue registrar waits where the registrar looks for its mentor and its peers",
			Requirements: []string{"T2.5-R1", "T2.5-R2"}, Threat: threat, Applies: needsPeers, Run: rogueCalled,
		},
		{
			ID: "2.5-psk-handshake", Section: "2.5", Role: engine.Registrar,
			Title:        "At the door of ENRP, TLS with pre-shared keys admits the right key, and neither a wrong key nor an unknown identity",
			Requirements: []string{"T2.5-R3"}, Threat: threat, Applies: needsPeerKey, Run: peerHandshake,
		},
		{
			ID: "2.5-psk-authorises", Section: "2.5", Role: engine.Registrar, Security: sut.Secured,
			Title:        "The holder of a registrar's pre-shared key is a peer with no other credential",
			Requirements: []string{"T2.5-R4"}, Threat: threat, Applies: needsPeerKey, Run: peerAuthorised,
		},
	}
}

// needsPeerKey wants a registrar's key and a door for it, where there are keys.
func needsPeerKey(i *sut.Instance) string {
	if reason := needsENRP(i); reason != "" {
		return reason
	}
	if i.Security == sut.Secured && i.Credentials.Peer == nil {
		return "needs the key of a peer registrar (credentials.peer)"
	}
	return ""
}

func rogueRegistrarCalls(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	victim, stranger := s.victim(), attackers.Stranger{Site: s.site()}
	at := from(&stranger.Site, r)
	before, _ := s.servers(ctx)
	var clear, others []attackers.Attempt
	r.Attack(ctx, "send each of the ten ENRP messages in clear, introduced and not", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range slices.Concat(stranger.Clear(wire.ENRP), stranger.Secured(wire.ENRP)) {
			clear = append(clear, stranger.InClear(ctx, door, victim.ENRP(at)...)...)
			// A registrar that does not know the sender may want to be introduced first.
			clear = append(clear, stranger.Sequence(ctx, door, append([]wire.Message{victim.RoguePresence(at)}, victim.ENRP(at)...)...)...)
		}
		return attempted(g, clear, nil)
	})
	s.look(ctx)
	afterClear, known := s.servers(ctx)
	inClear := s.joined(before, afterClear, known, clear, victim.Element)
	if r.Instance.Security == sut.Secured {
		r.Attack(ctx, "send them over TLS without a key, with guessed keys and after a handshake that is broken off", func(ctx context.Context, g gomega.Gomega) string {
			var name attackers.KnownIdentity
			if k := r.Instance.Credentials.Peer; k != nil {
				name = attackers.KnownIdentity(k.Identity)
			}
			for _, door := range stranger.Secured(wire.ENRP) {
				others = append(others, stranger.Anonymous(ctx, door, victim.ENRP(at)...)...)
				others = append(others, stranger.BrokenOff(ctx, door, name, victim.ENRP(at)...)...)
				guessed, err := stranger.GuessedKey(ctx, door, name, victim.ENRP(at)...)
				g.Expect(err).NotTo(gomega.HaveOccurred(), "guess a key")
				others = append(others, guessed...)
			}
			return attempted(g, others, nil)
		})
	}
	s.look(ctx)
	s.canary(ctx)
	after, known := s.servers(ctx)
	r.Oracle(ctx, "who came in clear has learned nothing, changed nothing, and is not in the group", func(_ context.Context, g gomega.Gomega) string {
		return inClear(g)
	})
	if len(others) > 0 {
		r.Oracle(ctx, "who came over TLS without a registrar's key has learned nothing, changed nothing, and is not in the group", func(_ context.Context, g gomega.Gomega) string {
			return s.joined(before, after, known, others, victim.Element)(g)
		}, "T2.5-R1")
	}
	s.dismiss(ctx, victim, at, clear)
}

// rogueBefore tells whether the attacker's server was in the list before, where an insider of
// another check may have put it on a system that is shared: then it proves nothing.
func rogueBefore(r *engine.Run, before string) bool {
	if !strings.Contains(before, attackers.RogueServer.String()) {
		return false
	}
	r.LessCertain("the attacker's server was in the list before, from another check: a reset or a fresh start would take it out")
	return true
}

// joined is what an oracle expects of a rogue registrar that was refused. It keeps the
// snapshot as it is now.
func (s *stage) joined(before, after string, known bool, attempts []attackers.Attempt, invented wire.PEID) func(gomega.Gomega) string {
	look := *s
	return func(g gomega.Gomega) string {
		for _, a := range attempts {
			g.Expect(attackers.Discloses(a.Answer)).To(gomega.BeFalse(), "%s", a)
		}
		if known && !rogueBefore(s.run, before) {
			g.Expect(after).NotTo(gomega.ContainSubstring(attackers.RogueServer.String()), "the rogue registrar is in the server list: %s", after)
			if s.run.Instance.Pristine {
				g.Expect(after).To(gomega.Equal(before), "the server list was %q and is %q", before, after)
			}
		}
		return fmt.Sprintf("%d attempts without an answer that tells something; %s", len(attempts), look.unchanged(g, invented))
	}
}

// dismiss takes the rogue's element out of a shared system again, as it came in.
func (s *stage) dismiss(ctx context.Context, victim attackers.Victim, at netip.Addr, attempts []attackers.Attempt) {
	if s.run.Instance.Pristine || s.after == nil || !s.after.Contains(s.run.Instance.Pool, victim.Element) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
	defer cancel()
	stranger := attackers.Stranger{Site: s.site()}
	add, ok := victim.Updates(at)[0].(*wire.HandleUpdate)
	if !ok {
		return
	}
	add.Action = wire.DelPE
	for _, a := range attempts {
		if a.Sent && !a.Door.Secured {
			stranger.Sequence(ctx, a.Door, victim.RoguePresence(at), add)
			return
		}
	}
}

// needsPeers wants a registrar that calls others, at places where the harness can be.
func needsPeers(i *sut.Instance) string {
	if len(i.Peers) == 0 {
		return "needs a place where the registrar looks for a peer, for the harness to be there (peers)"
	}
	if i.Security == sut.Secured && i.Credentials.Registrar == nil {
		return "needs the key by which the registrar shows itself to peers that it calls (credentials.registrar)"
	}
	return ""
}
