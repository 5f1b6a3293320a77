// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_7User: Malicious ENRP handlespace resolution, on pool users.
//
// "ASAP SHOULD authenticate the ENRP server. TLS with certificates is the mandatory to
// implement mechanism used for authentication. ... A CA trusted root certification authority
// certificate is sent to the client out of band and the certificate signature on the ENRP
// server certificate is checked for validity during TLS handshake." Section 3 adds that a
// client whose authentication of a server fails looks for another one.
func section2_7User() []engine.Check {
	threat := reports.Threat{
		Attacker:     "a node where the pool user looks for a registrar, which answers resolutions with elements of its own choice",
		Precondition: "the user checks the registrar's certificate against the root that it was given",
		Effect:       "the user is sent to an element of the attacker's, or told that there is none",
		Mitigation:   "TLS with certificates: signature, chain, validity, name and usage are checked before the first question",
		Residual:     "whoever holds the registrar's key, or can have its authority sign, is believed",
	}
	return []engine.Check{
		{
			ID: "2.7-certificate-tls", Section: "2.7", Role: engine.PoolUser, Rung: 1, Security: sut.Secured,
			Title:        "A registrar that has nothing but a certificate is asked over TLS",
			Requirements: []string{"T2.7-R2"}, Threat: threat, Run: certificateTLS,
		},
		{
			ID: "2.7-rogue-registrars", Section: "2.7", Role: engine.PoolUser, Rung: 1, Security: sut.Secured,
			Title:        "Registrars with certificates that must not be believed, and one in clear, wait for the user",
			Requirements: []string{"T2.7-R1", "T2.7-R4", "T2.7-R5"}, Threat: threat, Run: rogueRegistrars,
		},
		{
			ID: "2.7-next-registrar", Section: "2.7", Role: engine.PoolUser, Rung: 1, Security: sut.Secured,
			Title:        "After a registrar that fails to authenticate itself, the user turns to another one",
			Requirements: []string{"T3-R4"}, Threat: threat, Run: nextRegistrar,
		},
	}
}

func certificateTLS(ctx context.Context, r *engine.Run) {
	s := setUser(r)
	defer s.leave()
	var reg *actor.Registrar
	member := s.absent(r.Instance.Local())
	var place sut.Place
	r.Baseline(ctx, "a registrar with a certificate waits for users", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		place, err = s.place(0)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		certificate, err := s.certificate(place)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "certificate")
		reg, err = s.registrar(ctx, place, actor.RegistrarSpec{TLS: actor.CertificateServer(certificate), Members: []wire.PoolElement{member}})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the registrar")
		return "it is at " + reg.Place.Addr.String()
	})
	user := s.start(ctx, s.spec(place))
	var asking *resolving
	r.Baseline(ctx, "the user comes to it", func(ctx context.Context, g gomega.Gomega) string {
		asking = resolve(ctx, user)
		coming, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
		defer cancel()
		g.Expect(reg.AwaitAttempt(coming, 0)).To(gomega.Succeed())
		members, err := asking.wait(coming)
		g.Expect(err != nil || len(members) > 0).To(gomega.BeTrue(), "it resolves, and nothing is seen of it")
		return "it has come"
	})
	r.Oracle(ctx, "it resolves over TLS, with nothing but the root of the authority", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(asking.err).NotTo(gomega.HaveOccurred(), "the user does not resolve over TLS with a certificate; the registrar saw %s", refusals(reg))
		g.Expect(has(asking.members, member.ID)).To(gomega.BeTrue(), "the user got %s", memberList(asking.members))
		nodes := reg.Nodes()
		g.Expect(nodes).NotTo(gomega.BeEmpty(), "the user resolved without the registrar")
		info := nodes[len(nodes)-1].Info()
		g.Expect(info.Secured).To(gomega.BeTrue(), "the user came in clear")
		return "the user resolves over " + info.TLS.Version + " with " + info.TLS.CipherSuite
	})
}

func refusals(reg *actor.Registrar) string {
	var seen []string
	for _, refusal := range reg.Refused() {
		seen = append(seen, refusal.Err.Error())
	}
	return list(seen)
}

// flawClear is that of a rogue registrar without any security.
const flawClear attackers.Flaw = "clear"

func rogueRegistrars(ctx context.Context, r *engine.Run) {
	s := setUser(r)
	defer s.leave()
	t := s.trap(ctx)
	t.baseline(ctx)
	rogues, err := s.rogues(t.rogueAt)
	r.Passive(ctx, "forge certificates", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(err).NotTo(gomega.HaveOccurred())
		for _, flaw := range []attackers.Flaw{attackers.FlawAuthority, attackers.FlawSignature} {
			g.Expect(slices.ContainsFunc(rogues, func(x rogue) bool { return x.Flaw == flaw })).To(gomega.BeTrue(), "no certificate with a flaw of its %s", flaw)
		}
		return fmt.Sprintf("%d rogue registrars", len(rogues))
	})
	met := make([]encounter, 0, len(rogues))
	for _, rogue := range rogues {
		e, resolves := t.meet(ctx, rogue)
		if met = append(met, e); !resolves {
			break // nothing can be said of the others any more
		}
	}
	none := func(flaws ...attackers.Flaw) engine.Step {
		return func(_ context.Context, g gomega.Gomega) string {
			var believed []string
			n := 0
			for _, e := range met {
				if len(flaws) > 0 && !slices.Contains(flaws, e.flaw) {
					continue
				}
				n++
				if e.believed() {
					believed = append(believed, e.String())
				}
			}
			g.Expect(believed).To(gomega.BeEmpty(), "%s", strings.Join(believed, "; "))
			return fmt.Sprintf("none of %d registrars was asked", n)
		}
	}
	r.Oracle(ctx, "no rogue registrar was asked, and none of their answers used", none(), "T2.7-R1")
	r.Oracle(ctx, "no authority is trusted but the one whose root the user was given", none(attackers.FlawAuthority), "T2.7-R4")
	r.Oracle(ctx, "no certificate is believed that the authority has not signed as it is", none(attackers.FlawSignature), "T2.7-R5")
}

func nextRegistrar(ctx context.Context, r *engine.Run) {
	s := setUser(r)
	defer s.leave()
	t := s.trap(ctx)
	t.baseline(ctx)
	rogues, err := s.rogues(t.rogueAt)
	r.Passive(ctx, "forge a certificate", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(err).NotTo(gomega.HaveOccurred())
		return rogues[0].What
	})
	user, asking, m := t.spring(ctx, rogues[0])
	defer m.Close()
	defer t.stop(ctx, user)
	var members []sut.Member
	members, err = t.turned(ctx, asking)
	works := r.Canary(ctx, "a user that knows the honest registrar only resolves", func(ctx context.Context, g gomega.Gomega) string {
		other, err := t.user(ctx, t.spec(t.honestAt))
		g.Expect(err).NotTo(gomega.HaveOccurred(), "start a user")
		defer t.stop(ctx, other)
		ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
		defer cancel()
		members, err := other.Resolve(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		g.Expect(has(members, t.member.ID)).To(gomega.BeTrue(), "it gets %s", memberList(members))
		return "it resolves"
	})
	r.Oracle(ctx, "the user resolves at the other registrar", func(_ context.Context, g gomega.Gomega) string {
		if !works {
			return "the other registrar does not work, so nothing can be said"
		}
		g.Expect(err).NotTo(gomega.HaveOccurred(), "the user does not turn to the other registrar that it knows")
		g.Expect(has(members, t.member.ID) || has(members, t.bait.ID)).To(gomega.BeTrue(), "the user got %s", memberList(members))
		return "the user turns to the other registrar and resolves there"
	})
}
