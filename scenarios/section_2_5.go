// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/actor"
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

// peerHandshake judges TLS with pre-shared keys at the doors of ENRP.
func peerHandshake(ctx context.Context, r *engine.Run) {
	if r.Instance.Security == sut.Clear {
		noPeerTLS(ctx, r)
		return
	}
	doors, key := r.World.Doors(wire.ENRP), r.Instance.Credentials.Peer
	refused := make(map[script.Door]error)
	r.Baseline(ctx, "elements are served, and the right key of a peer is admitted or refused as a suite", func(ctx context.Context, g gomega.Gomega) string {
		g.Expect(doors).NotTo(gomega.BeEmpty(), "there is no ENRP door with TLS")
		for _, door := range doors {
			err := askAs(ctx, r, plainOptions(r, "peer honest", door, actor.PSKConfig(key)), pathPeerID)
			refused[door] = err
			// What is said to a registrar that TLS has admitted is another question.
			admitted := err == nil || errors.Is(err, script.ErrEnded) || errors.Is(err, actor.ErrRejected)
			g.Expect(admitted || suiteRefused(err)).To(gomega.BeTrue(), "%s: neither a session nor an alert: %v", door, err)
			g.Expect(keyRefused(refused[door])).To(gomega.BeFalse(), "%s does not take the key of %s; is it the one that the system knows?: %v", door, key, refused[door])
		}
		return "the system does not object to the key"
	})
	var admitted, tried []string
	r.Attack(ctx, "the peer's identity with a wrong key, and an unknown identity with every valid key", func(ctx context.Context, g gomega.Gomega) string {
		wrong := slices.Clone(key.Key)
		wrong[0] ^= 1
		attempts := []sut.PSK{{Identity: key.Identity, Key: wrong}}
		for _, k := range r.Instance.Credentials.Keys() {
			attempts = append(attempts, sut.PSK{Identity: "rspthreat-nobody", Key: k.Key})
		}
		for _, door := range doors {
			for n, a := range attempts {
				what := fmt.Sprintf("identity %q, key %d, at %s", a.Identity, n, door)
				tried = append(tried, what)
				if askAs(ctx, r, attackerOptions(r, door, actor.PSKConfig(&a)), attackers.RogueServer) == nil {
					admitted = append(admitted, what)
				}
			}
		}
		return fmt.Sprintf("%d handshakes tried", len(tried))
	})
	r.Canary(ctx, "elements are still served, through every door of ASAP", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range r.World.Doors(wire.ASAP) {
			n, err := script.Open(ctx, plainOptions(r, "pe honest", door, nil))
			g.Expect(err).NotTo(gomega.HaveOccurred(), "come through %s", door)
			n.Abort()
		}
		for door, before := range refused {
			after := askAs(ctx, r, plainOptions(r, "peer honest", door, actor.PSKConfig(key)), pathPeerID)
			g.Expect(after == nil).To(gomega.Equal(before == nil), "the right key at %s: %v before the attack, %v after it", door, before, after)
		}
		return "the system is there, and takes the right key as it did before"
	})
	r.Oracle(ctx, "pre-shared key suites suffice with the right key", func(_ context.Context, g gomega.Gomega) string {
		for door, err := range refused {
			g.Expect(suiteRefused(err)).To(gomega.BeFalse(), "the right key at %s: %v", door, err)
		}
		return fmt.Sprintf("the right key is admitted at %d doors", len(doors))
	})
	r.Oracle(ctx, "neither wrong keys nor unknown identities were admitted", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(admitted).To(gomega.BeEmpty(), "admitted: %s", strings.Join(admitted, "; "))
		return fmt.Sprintf("none of %d handshakes succeeded", len(tried))
	})
}

// noPeerTLS: a system that is declared to have no TLS has none at the doors of ENRP either.
func noPeerTLS(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	var refused []string
	r.Passive(ctx, "begin TLS with a pre-shared key at the doors of ENRP", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range site(r).Clear(wire.ENRP) {
			door.Secured = true
			err := askAs(ctx, r, plainOptions(r, "peer honest", door, actor.PSKConfig(&sut.PSK{Identity: "rspthreat", Key: make([]byte, 32)})), pathPeerID)
			if err != nil {
				refused = append(refused, fmt.Sprintf("%s at %s: %v", door, door.Addr, err))
			}
		}
		g.Expect(refused).NotTo(gomega.BeEmpty(), "the system speaks TLS at every door: declare it secured")
		return strings.Join(refused, "; ")
	})
	s.canary(ctx)
	r.Oracle(ctx, "TLS with pre-shared keys is implemented between registrars", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(refused).To(gomega.BeEmpty(), "no door of ENRP speaks TLS with pre-shared keys: %s", strings.Join(refused, "; "))
		return "TLS is spoken"
	})
}

// suiteRefused tells whether TLS ended with an alert.
func suiteRefused(err error) bool {
	var alert *tlspsk.AlertError
	return errors.As(err, &alert)
}

// askAs asks for the server list, as a registrar of that server ID.
func askAs(ctx context.Context, r *engine.Run, o script.Options, sender wire.ServerID) error {
	ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
	defer cancel()
	n, err := script.Open(ctx, o)
	if err != nil {
		return err
	}
	defer n.Abort()
	m, err := n.Request(ctx, &wire.ListRequest{Sender: sender}, func(m wire.Message) bool {
		switch m.(type) {
		case *wire.ListResponse, *wire.ENRPError:
			return true
		}
		return false
	})
	if err != nil {
		return err
	}
	if list, ok := m.(*wire.ListResponse); !ok || list.Reject {
		return fmt.Errorf("%w: %s", actor.ErrRejected, attackers.Describe(m))
	}
	return nil
}

// peerAuthorised: the observers are not needed, so that a system that keeps peers out is judged.
func peerAuthorised(ctx context.Context, r *engine.Run) {
	door := r.World.Doors(wire.ENRP)[0]
	key := r.Instance.Credentials.Peer
	r.Baseline(ctx, "the holder of the key comes over TLS", func(ctx context.Context, g gomega.Gomega) string {
		n, err := script.Open(ctx, plainOptions(r, "peer honest", door, actor.PSKConfig(key)))
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the peer")
		n.Abort()
		return "the handshake succeeds, with " + key.String()
	})
	var rejected error
	var tables int
	r.Canary(ctx, "it introduces itself and asks for servers and elements, and an element is served", func(ctx context.Context, g gomega.Gomega) string {
		asap, err := r.World.Door(wire.ASAP)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "door for the element")
		n, err := r.World.OpenElement(ctx, actor.Spec{Name: "pe honest", Door: asap, ID: wire.PEID(r.Random())})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the element")
		defer n.Close(ctx)
		g.Expect(n.Register(ctx)).To(gomega.Succeed(), "register the element")
		defer func() { _ = n.Deregister(ctx) }() // the system may have gone
		tables, rejected = consult(ctx, r)
		elements, err := r.World.UserOn(n.Node).Resolve(ctx, r.Instance.Pool)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve through the element's association")
		g.Expect(elements).NotTo(gomega.BeEmpty(), "the element that registered cannot be resolved")
		if rejected != nil {
			return rejected.Error()
		}
		return fmt.Sprintf("%d pools in the handle table", tables)
	})
	r.Oracle(ctx, "it is taken for a registrar with no other credential", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(rejected).NotTo(gomega.HaveOccurred(), "the holder of a registrar's pre-shared key is not")
		return "presence, server list and handle table are answered"
	})
}

// consult does what a registrar does that joins the group.
func consult(ctx context.Context, r *engine.Run) (pools int, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
	defer cancel()
	p, err := r.World.OpenPeer(ctx, actor.PeerSpec{Name: "peer honest", ID: pathPeerID})
	if err != nil {
		return 0, err
	}
	defer p.Close(ctx)
	if _, err := p.Servers(ctx); err != nil {
		return 0, err
	}
	table, err := p.Table(ctx)
	return len(table), err
}
