// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// stage is the honest cast of most checks: one registered element and the observers.
type stage struct {
	run     *engine.Run
	element *actor.Element
	view    *actor.View
	company *attackers.Company
	before  actor.Snapshot
	after   actor.Snapshot
	// withdrawn is a key that the administrator has taken away for this check; nil: none.
	withdrawn *sut.PSK
	// tickets are those of sessions that began before it was.
	tickets *attackers.TicketHolder
}

// leaving bounds the tidying up after a check.
const leaving = 2 * time.Second

// unless is deferred by what sets a stage up: a baseline that does not hold unwinds the check
// before it has the stage to leave, and the next check may need the same addresses.
func unless(stands *bool, leave func()) {
	if !*stands {
		leave()
	}
}

// set takes the baseline: an honest element registers and the observers see it.
func set(ctx context.Context, r *engine.Run) *stage {
	s := &stage{run: r, company: &attackers.Company{}}
	stands := false
	defer unless(&stands, func() { s.leave(ctx) })
	r.Baseline(ctx, "an honest element registers and is resolved", func(ctx context.Context, g gomega.Gomega) string {
		door, err := r.World.Door(wire.ASAP)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "door for the element")
		s.element, err = r.World.OpenElement(ctx, actor.Spec{Name: "pe honest", Door: door, ID: wire.PEID(r.Random())})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the element")
		g.Expect(s.element.Register(ctx)).To(gomega.Succeed(), "register the element")
		s.view, err = r.World.OpenView(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the observers")
		r.LessCertain(s.view.Partial)
		s.before, err = s.view.Snapshot(ctx, r.Instance.Pool)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "look at the handlespace")
		g.Expect(s.before.Contains(r.Instance.Pool, s.element.PE.ID)).To(gomega.BeTrue(), "the element that registered cannot be resolved")
		r.Before(s.before)
		return fmt.Sprintf("element %s is in pool %s", s.element.PE.ID, r.Instance.Pool)
	})
	stands = true
	return s
}

// leave deregisters the element and closes everything, so that a shared system is left as
// it was found.
func (s *stage) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
	defer cancel()
	s.company.Leave()
	if s.element != nil {
		_ = s.element.Deregister(ctx) // it may have been removed by the attack
		s.element.Close(ctx)
	}
	if s.view != nil {
		s.view.Close(ctx)
	}
}

// canary shows that the system still serves honest nodes: the element re-registers, and a
// node that comes anew through each door of ASAP resolves it.
func (s *stage) canary(ctx context.Context) bool {
	return s.run.Canary(ctx, "honest nodes are served after the attack, through every door", func(ctx context.Context, g gomega.Gomega) string {
		g.Expect(s.element.Register(ctx)).To(gomega.Succeed(), "re-register the element")
		doors := s.run.World.Doors(wire.ASAP)
		for _, door := range doors {
			n, err := s.run.World.OpenElement(ctx, actor.Spec{Name: "pe canary", Door: door, ID: s.element.PE.ID})
			g.Expect(err).NotTo(gomega.HaveOccurred(), "come through %s", door)
			elements, err := (&actor.User{Node: n.Node}).Resolve(ctx, s.run.Instance.Pool)
			n.Close(ctx)
			g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve through %s", door)
			g.Expect(elements).NotTo(gomega.BeEmpty(), "resolve through %s", door)
		}
		return fmt.Sprintf("registration and resolution work through %d doors", len(doors))
	})
}

// look takes the snapshot after the attack. It is part of the canary: when the observers
// are not answered, nothing is known.
func (s *stage) look(ctx context.Context) {
	s.run.Canary(ctx, "the observers look at the handlespace", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		s.after, err = s.view.Snapshot(ctx, s.run.Instance.Pool)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "look at the handlespace")
		s.run.After(s.after)
		return fmt.Sprintf("%d lines, %d before", len(s.after), len(s.before))
	})
}

// unchanged expects that the handlespace is what it was. On a system that others use too,
// only what the check knows of is compared.
func (s *stage) unchanged(g gomega.Gomega, ids ...wire.PEID) string {
	if s.after == nil {
		return "the handlespace could not be looked at, so nothing can be said of it" // the canary that failed has the verdict
	}
	pool := s.run.Instance.Pool
	own := s.element.PE.ID
	g.Expect([]string(s.after.Find(pool, own))).To(gomega.Equal([]string(s.before.Find(pool, own))),
		"the honest element %s was %s and is now %s", own, list(s.before.Find(pool, own)), list(s.after.Find(pool, own)))
	for _, id := range ids {
		g.Expect(s.after.Find(pool, id)).To(gomega.BeEmpty(), "the attacker's element %s is in the handlespace: %s", id, list(s.after.Find(pool, id)))
	}
	if s.run.Instance.Pristine {
		more, less := difference(s.before, s.after)
		g.Expect(append(more, less...)).To(gomega.BeEmpty(), "the handlespace has changed: new %s, gone %s", list(more), list(less))
	}
	return "the handlespace is unchanged"
}

func difference(before, after actor.Snapshot) (more, less []string) {
	for _, line := range after {
		if !slices.Contains(before, line) {
			more = append(more, line)
		}
	}
	for _, line := range before {
		if !slices.Contains(after, line) {
			less = append(less, line)
		}
	}
	return more, less
}

func list(lines []string) string {
	if len(lines) == 0 {
		return "nothing"
	}
	return strings.Join(lines, "; ")
}

// site is where the attacker stands and what it knows.
func (s *stage) site() attackers.Site {
	where := site(s.run)
	where.Company = s.company
	return where
}

func site(r *engine.Run) attackers.Site {
	doors := make([]script.Door, 0, len(r.Instance.Doors))
	for _, d := range r.Instance.Doors {
		doors = append(doors, script.Door(d))
	}
	return attackers.Site{
		Doors: doors, Local: r.Instance.Local, Recorder: r.World.Recorder,
		Wire: r.Instance.Wire, Patience: r.Instance.Timers.Response, Company: &attackers.Company{},
	}
}

// victim is what the attacker's messages are about.
func (s *stage) victim() attackers.Victim {
	v := attackers.Victim{Pool: s.run.Instance.Pool, PE: s.element.PE, Element: wire.PEID(s.run.Random())}
	if p := s.view.Peer(); p != nil {
		v.Server = p.Server
	}
	return v
}

// from puts the attacker at one address, from which all its associations come, and returns
// it: an attacker that registers its own address is the one that is hardest to refuse.
func from(a *attackers.Site, r *engine.Run) netip.Addr {
	at := r.Instance.Local()
	if !at.IsValid() && len(a.Doors) > 0 {
		at = towards(a.Doors[0].Addr)
	}
	a.Local = func() netip.Addr { return at }
	return at
}

// towards is the address that the system would send from; no packet is sent.
func towards(remote netip.AddrPort) netip.Addr {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(remote))
	if err != nil {
		return documentationAddress
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// documentationAddress (RFC 5737) stands for a victim that must never get a packet.
var documentationAddress = netip.AddrFrom4([4]byte{192, 0, 2, 66})

// attempted is the outcome of an attack, and makes sure that there was one.
func attempted(g gomega.Gomega, attempts []attackers.Attempt, err error) string {
	g.Expect(err).NotTo(gomega.HaveOccurred(), "attack")
	g.Expect(slices.ContainsFunc(attempts, attackers.Attempt.Reached)).To(gomega.BeTrue(), "no attempt reached the system: %v", attempts)
	lines := make([]string, 0, len(attempts))
	for _, a := range attempts {
		lines = append(lines, a.String())
	}
	return strings.Join(lines, "; ")
}

// noneAccepted expects that no attempt was granted.
func noneAccepted(g gomega.Gomega, attempts []attackers.Attempt) string {
	for _, a := range attempts {
		g.Expect(attackers.Accepts(a.Answer)).To(gomega.BeFalse(), "%s", a)
	}
	return fmt.Sprintf("none of %d attempts was accepted", len(attempts))
}

// nobody returns what is called after an attack without credentials: the registrar has, by its
// own word, authenticated nobody meanwhile. Without its word it looks at nothing.
func (s *stage) nobody(ctx context.Context) (judge func(context.Context)) {
	r := s.run
	if _, ok := s.authenticated(ctx); !ok || !r.Instance.Pristine {
		return func(context.Context) {}
	}
	return func(ctx context.Context) {
		who, ok := s.authenticated(ctx)
		if !ok {
			return // the canary that failed has the verdict
		}
		r.Oracle(ctx, "the registrar itself says that it has authenticated nobody meanwhile", func(_ context.Context, g gomega.Gomega) string {
			g.Expect(who).To(gomega.BeEmpty(), "the registrar says that an attacker without credentials is %s", list(who))
			return "it has authenticated nobody"
		})
	}
}

// authenticated tells who the registrar says has shown a key since the last call.
func (s *stage) authenticated(ctx context.Context) (who []string, ok bool) {
	if s.run.Instance.Own == nil {
		return nil, false
	}
	s.run.Canary(ctx, "what the registrar says itself", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		who, ok, err = s.view.Authenticated(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "ask the registrar")
		return fmt.Sprintf("it has authenticated %s", list(who))
	})
	return who, ok
}

// noneAnswered expects that no attempt got anything but a refusal: ENRP has answers that
// grant nothing and still let somebody into the group.
func noneAnswered(g gomega.Gomega, attempts []attackers.Attempt) string {
	for _, a := range attempts {
		g.Expect(attackers.Discloses(a.Answer)).To(gomega.BeFalse(), "%s", a)
	}
	return fmt.Sprintf("none of %d attempts was answered with more than a refusal", len(attempts))
}

// identity is what a stranger may have overheard.
func identity(i *sut.Instance) attackers.KnownIdentity {
	if i.Credentials.Element == nil {
		return ""
	}
	return attackers.KnownIdentity(i.Credentials.Element.Identity)
}

// withdraw takes what the attacker got into a shared system out again, the way it came.
// The embedded reference ends with the check.
func (s *stage) withdraw(ctx context.Context, stranger attackers.Stranger, attempts []attackers.Attempt, id wire.PEID) {
	if s.run.Instance.Pristine {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
	defer cancel()
	for _, a := range attempts {
		if attackers.Accepts(a.Answer) && !a.Door.Secured {
			stranger.InClear(ctx, a.Door, &wire.Deregistration{PoolHandle: []byte(s.run.Instance.Pool), PEID: id})
		}
	}
}
