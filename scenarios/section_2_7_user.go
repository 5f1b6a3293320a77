// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/actor"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
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

// encounter is what came of one rogue registrar.
type encounter struct {
	what  string
	flaw  attackers.Flaw
	asked int  // resolutions that the user asked it for
	used  bool // the user got the attacker's element
}

// flawClear is that of a rogue registrar without any security.
const flawClear attackers.Flaw = "clear"

func (e encounter) believed() bool { return e.asked > 0 || e.used }

func (e encounter) String() string {
	if e.used {
		return "the user took the answer of a registrar with " + e.what
	}
	return "the user asked a registrar with " + e.what
}

// rogue is one registrar that must not be believed; without a certificate it is in clear.
type rogue struct {
	attackers.Forgery
	place sut.Place
	clear bool
}

// rogues are those that wait at place, and the same place by address.
func (s *userStage) rogues(place sut.Place) ([]rogue, error) {
	authority := s.run.Instance.Authority
	named := []sut.Place{place}
	if place.Name != "" && len(s.run.Instance.Registrars) == 0 {
		byAddress := place
		byAddress.Name = ""
		named = append(named, byAddress)
	}
	var all []rogue
	for n, p := range named {
		honest, err := s.certificate(p)
		if err != nil {
			return nil, err
		}
		leaf, err := x509.ParseCertificate(honest.Certificate[0])
		if err != nil {
			return nil, err
		}
		f := attackers.Forger{Name: p.Name, Addr: p.Addr.Addr(), Root: authority.Certificate, Honest: leaf, Certify: authority.Certify}
		forged, err := f.All()
		if err != nil {
			return nil, err
		}
		for _, forgery := range forged {
			// The address makes a difference to names only.
			if n == 0 || forgery.Flaw == attackers.FlawName {
				all = append(all, rogue{Forgery: forgery, place: p})
			}
		}
	}
	return append(all, rogue{Forgery: attackers.Forgery{What: "no TLS at all", Flaw: flawClear}, place: place, clear: true}), nil
}

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

// trap is a rogue registrar where the user looks first, and an honest one beside it, which is
// held back until the rogue has had its chance.
type trap struct {
	*userStage
	rogueAt, honestAt sut.Place
	honest            *actor.Registrar
	gate              *actor.Gate
	member            wire.PoolElement // of the honest registrar
	bait              wire.PoolElement // of the rogue
}

func (s *userStage) trap(ctx context.Context) *trap {
	t := &trap{userStage: s, gate: actor.NewGate(), member: s.absent(s.run.Instance.Local()), bait: s.absent(s.run.Instance.Local())}
	s.run.Baseline(ctx, "an honest registrar waits for users", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		t.rogueAt, err = s.place(0)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		t.honestAt, err = s.place(1)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		t.honest, err = s.registrar(ctx, t.honestAt, actor.RegistrarSpec{Gate: t.gate, Members: []wire.PoolElement{t.member}})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the registrar")
		return "it is at " + t.honestAt.Addr.String()
	})
	return t
}

// baseline is the user at the honest registrar alone.
func (t *trap) baseline(ctx context.Context) {
	user := t.start(ctx, t.spec(t.honestAt))
	t.gate.Open()
	t.run.Need(ctx, "it resolves at an honest registrar", func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, t.run.Instance.Timers.Response)
		defer cancel()
		members, err := user.Resolve(ctx)
		if err != nil {
			return "", err
		}
		if !has(members, t.member.ID) {
			return "", fmt.Errorf("the user got %s", memberList(members))
		}
		return "it gets " + memberList(members), nil
	})
	t.stop(ctx, user)
}

// spring has a user meet one rogue registrar and then the honest one.
func (t *trap) spring(ctx context.Context, x rogue) (user sut.UserNode, asking *resolving, m *attackers.Misleader) {
	t.gate.Shut()
	title := "a registrar with " + x.What + " waits where the user looks first"
	if x.place.Name == "" {
		title += ", known by its address"
	}
	t.run.Attack(ctx, title, func(ctx context.Context, g gomega.Gomega) string {
		certificate := &x.Certificate
		if x.clear {
			certificate = nil
		}
		var err error
		m, err = t.misleader(ctx, x.place, certificate, t.bait)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the rogue registrar")
		user, err = t.user(ctx, t.spec(x.place, t.honestAt))
		g.Expect(err).NotTo(gomega.HaveOccurred(), "start the user")
		asking = resolve(context.WithoutCancel(ctx), user)
		coming, cancel := context.WithTimeout(ctx, t.run.Instance.Timers.Response)
		defer cancel()
		came, err := m.Over(coming, 0)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "the user at %s", x.place.Addr)
		return came
	})
	t.gate.Open()
	return user, asking, m
}

// meet has a user meet one rogue registrar, and tells what came of it. The canary is that the
// user then resolves: at the honest registrar, if it is right.
func (t *trap) meet(ctx context.Context, x rogue) (e encounter, resolves bool) {
	user, asking, m := t.spring(ctx, x)
	e = encounter{what: x.What, flaw: x.Flaw}
	defer m.Close()
	defer t.stop(ctx, user)
	members, resolves := t.resolves(ctx, asking)
	e.used = has(members, t.bait.ID)
	if x.clear && resolves && !e.used {
		t.again(ctx, user, m, &e)
	}
	e.asked = m.Asked()
	return e, resolves
}

// again takes the honest registrar away from the user, so that it tries the rogue once more:
// what follows on a failed handshake may come after the honest one was found.
func (t *trap) again(ctx context.Context, user sut.UserNode, m *attackers.Misleader, e *encounter) {
	t.run.Canary(ctx, "the user loses the honest registrar and looks for one again", func(ctx context.Context, g gomega.Gomega) string {
		t.gate.Shut()
		known := m.Attempts()
		for _, n := range t.honest.Nodes() {
			n.Abort()
		}
		asking := resolve(context.WithoutCancel(ctx), user)
		coming, cancel := context.WithTimeout(ctx, t.run.Instance.Timers.Response)
		defer cancel()
		came, err := m.Over(coming, known)
		if err != nil {
			came = "it does not come to the rogue registrar again"
		}
		t.gate.Open()
		members, err := t.turned(ctx, asking)
		e.used = has(members, t.bait.ID)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		return came + "; it gets " + memberList(members)
	})
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
