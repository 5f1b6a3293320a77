// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_15: Security of the ENRP database.
//
// "... either the entire ENRP server database MUST be secure ... or the entire database MUST
// be insecure ... ENRP servers that support security MUST reject any PE server registration
// that does not use the security mechanisms. Likewise, ENRP servers that support security
// MUST NOT accept updates from other ENRP servers that do not use security mechanisms. ...
// any information not sent using TLS to a secure ENRP server MUST be rejected."
func section2_15() []engine.Check {
	threat := reports.Threat{
		Attacker:     "a node that speaks ASAP and ENRP in clear to a registrar that serves over TLS",
		Precondition: "the handlespace is secured as a whole, or not at all",
		Effect:       "nobody can say which entries of the handlespace to trust",
		Mitigation:   "The clear doors of a secured registrar refuse whatever comes, and an insecure one has no TLS doors.",
		Residual:     "A peer that is itself insecure may pass on what it took in clear: the whole group has to be secured.",
	}
	return []engine.Check{
		{
			ID: "2.15-mixed-registrations", Section: "2.15", Role: engine.Registrar, Security: sut.Secured,
			Title:        "Elements register over TLS and in clear; only those over TLS are admitted",
			Requirements: []string{"T2.15-R1", "T2.15-R3"}, Threat: threat, Run: mixedRegistrations,
		},
		{
			ID: "2.15-insecure-mode", Section: "2.15", Role: engine.Registrar, Security: sut.Clear,
			Title:        "An insecure registrar takes no registrations over TLS into its handlespace",
			Requirements: []string{"T2.15-R2"}, Threat: threat, Run: insecureMode,
		},
		{
			ID: "2.15-clear-updates", Section: "2.15", Role: engine.Registrar, Security: sut.Secured,
			Title:        "A rogue registrar updates the handlespace in clear",
			Requirements: []string{"T2.15-R4"}, Threat: threat, Applies: needsENRP, Run: clearUpdates,
		},
		{
			ID: "2.15-clear-messages", Section: "2.15", Role: engine.Registrar, Security: sut.Secured,
			Title:        "All 24 messages are sent in clear to every port",
			Requirements: []string{"T2.15-R5"}, Threat: threat, Run: clearMessages,
		},
	}
}

func mixedRegistrations(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	stranger := attackers.Stranger{Site: s.site()}
	invented := actor.NewPE(wire.PEID(r.Random()), from(&stranger.Site, r))
	attempts := registerInClear(ctx, r, stranger, invented)
	s.canary(ctx)
	s.look(ctx)
	r.Oracle(ctx, "every registration without security was rejected", func(_ context.Context, g gomega.Gomega) string {
		for _, a := range attempts {
			if a.Sent && a.Answer == nil && !a.Ended {
				r.Note("%s; RFC 5352 section 9.3 has an error due to security considerations for it", a)
			}
		}
		return noneAccepted(g, attempts)
	}, "T2.15-R3")
	r.Oracle(ctx, "only the element that came over TLS is in the handlespace", func(_ context.Context, g gomega.Gomega) string {
		return s.unchanged(g, invented.ID)
	}, "T2.15-R1", "T2.15-R3")
	s.withdraw(ctx, stranger, attempts, invented.ID)
}

func insecureMode(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	stranger := attackers.Stranger{Site: s.site()}
	invented := actor.NewPE(wire.PEID(r.Random()), from(&stranger.Site, r))
	var attempts []attackers.Attempt
	r.Attack(ctx, "register over TLS at every door, with a key and without", func(ctx context.Context, g gomega.Gomega) string {
		m := &wire.Registration{PoolHandle: []byte(r.Instance.Pool), Element: invented}
		for _, door := range tlsDoors(r) {
			attempts = append(attempts, stranger.Anonymous(ctx, door, m)...)
			if key := r.Instance.Credentials.Element; key != nil {
				spoofer := s.spoofer(key)
				spoofer.Site, spoofer.Door = stranger.Site, door
				attempts = append(attempts, spoofer.Try(ctx, m)...)
			}
		}
		return attempted(g, attempts, nil)
	})
	s.canary(ctx)
	s.look(ctx)
	r.Oracle(ctx, "no registration over TLS was accepted", func(_ context.Context, g gomega.Gomega) string {
		return noneAccepted(g, attempts)
	})
	r.Oracle(ctx, "the handlespace has no element that came over TLS", func(_ context.Context, g gomega.Gomega) string {
		return s.unchanged(g, invented.ID)
	})
}

// needsENRP wants a door at which a registrar can speak to the system.
func needsENRP(i *sut.Instance) string {
	if len(i.Find(wire.ENRP, true))+len(i.Find(wire.ENRP, false)) == 0 {
		return "no ENRP door is configured"
	}
	return ""
}

func clearUpdates(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	victim, stranger := s.victim(), attackers.Stranger{Site: s.site()}
	at := from(&stranger.Site, r)
	var attempts []attackers.Attempt
	r.Attack(ctx, "announce, move and remove elements as a registrar in clear", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range append(stranger.Clear(wire.ENRP), stranger.Secured(wire.ENRP)...) {
			for _, m := range victim.Updates(at) {
				attempts = append(attempts, stranger.InClear(ctx, door, m)...)
				// A registrar that does not know the sender may want to be introduced first.
				attempts = append(attempts, stranger.Sequence(ctx, door, victim.RoguePresence(at), m)...)
			}
		}
		return attempted(g, attempts, nil)
	})
	s.look(ctx)
	s.canary(ctx)
	r.Oracle(ctx, "the handlespace took none of the updates", func(_ context.Context, g gomega.Gomega) string {
		return s.unchanged(g, victim.Element)
	})
}

func clearMessages(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	victim, speaker := s.victim(), attackers.ClearSpeaker{Site: s.site()}
	at := from(&speaker.Site, r)
	before, _ := s.servers(ctx)
	var attempts []attackers.Attempt
	r.Attack(ctx, "send each of the 24 messages in clear to every port", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		attempts, err = speaker.Speak(ctx, &victim, at)
		return attempted(g, attempts, err)
	})
	s.look(ctx)
	s.canary(ctx)
	after, known := s.servers(ctx)
	r.Oracle(ctx, "nothing was answered but with a rejection", func(_ context.Context, g gomega.Gomega) string {
		for _, a := range attempts {
			g.Expect(attackers.Discloses(a.Answer)).To(gomega.BeFalse(), "%s", a)
		}
		return fmt.Sprintf("%d messages, none was accepted", len(attempts))
	})
	r.Oracle(ctx, "the handlespace and the group are as they were", func(_ context.Context, g gomega.Gomega) string {
		if known && !rogueBefore(r, before) {
			g.Expect(after).NotTo(gomega.ContainSubstring(attackers.RogueServer.String()), "the rogue registrar is in the server list: %s", after)
			if r.Instance.Pristine { // on a shared system others come and go
				g.Expect(after).To(gomega.Equal(before), "the server list was %q and is %q", before, after)
			}
		}
		return s.unchanged(g, victim.Element)
	})
}

// servers is the list of peers that the registrar knows, as its peers see it, and whether
// it could be asked for.
func (s *stage) servers(ctx context.Context) (list string, known bool) {
	if s.view.Peer() == nil {
		return "", false
	}
	var names []string
	known = s.run.Canary(ctx, "a peer registrar asks for the server list", func(ctx context.Context, g gomega.Gomega) string {
		list, err := s.view.Peer().Servers(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "server list")
		for _, server := range list {
			names = append(names, server.ID.String())
		}
		return fmt.Sprintf("%d other servers", len(list))
	})
	return strings.Join(names, ", "), known
}
