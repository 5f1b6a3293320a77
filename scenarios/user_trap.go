// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// encounter is what came of one rogue registrar.
type encounter struct {
	what  string
	flaw  attackers.Flaw
	asked int  // resolutions that the user asked it for
	used  bool // the user got the attacker's element
}

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
