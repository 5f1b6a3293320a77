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

// section2_9User: Re-establishing PU-PE security during failover.
//
// "The application SHOULD be notified when fail over occurs so the application can take
// appropriate action to establish a trusted relationship with PE B." Section 3 adds: or
// security is established again, without the application.
func section2_9User() []engine.Check {
	threat := reports.Threat{
		Attacker:     "whoever can end the association with an element, and is or hears the next one",
		Precondition: "the application hears of a failover before anything goes to the next element",
		Effect:       "what was meant for an element that is trusted goes to one that is not, or in clear",
		Mitigation:   "a notice before the first octet, and a channel that is no weaker than the one before",
		Residual:     "the application has to do something about the notice",
	}
	return []engine.Check{
		{
			ID: "2.9-failover-notice", Section: "2.9", Role: engine.PoolUser, Rung: 1, Security: sut.Secured,
			Title:        "An element ends in the middle of a session, and the application is to be told",
			Requirements: []string{"T2.9-R1"}, Threat: threat, Run: failoverNotice,
		},
		{
			ID: "2.9-weaker-element", Section: "2.9", Role: engine.PoolUser, Rung: 1, Security: sut.Secured,
			Title:        "After a secured element there are only one in clear and one that cannot be verified",
			Requirements: []string{"T3-R6"}, Threat: threat, Run: weakerElement,
		},
	}
}

func failoverNotice(ctx context.Context, r *engine.Run) {
	s := setUser(r)
	defer s.leave()
	f := s.setFailover(ctx, actor.ServiceSpec{})
	notice := func(e sut.NodeEvent) bool { return e.Kind == sut.EventFailover && e.PEID == f.to.PE.ID }
	early := false
	r.Passive(ctx, "the element of the session ends, and the next one is held back", func(ctx context.Context, _ gomega.Gomega) string {
		f.gate.Shut()
		f.crash()
		// Shorter than a user waits for an element to answer.
		ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response/4)
		defer cancel()
		e, err := f.told.await(ctx, notice)
		if err != nil {
			return "no notice so far"
		}
		early = true
		return "a notice while nothing can have been sent: " + e.Reason
	})
	f.gate.Open()
	f.goesOn(ctx, "the user goes on with the other element", func() bool { return carries(f.to, nextData) })
	r.Oracle(ctx, "the application was told before any data went to the next element", func(ctx context.Context, g gomega.Gomega) string {
		if early || !carries(f.to, nextData) {
			return "the notice came before the element could hear anything"
		}
		ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
		defer cancel()
		e, err := f.told.await(ctx, notice)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "there is no notice of the failover to element %s", f.to.PE.ID)
		first, err := f.to.Await(ctx, 0, isData(nextData))
		g.Expect(err).NotTo(gomega.HaveOccurred())
		g.Expect(e.Time.After(first.Time)).To(gomega.BeFalse(), "the notice came %s after the first data to element %s", e.Time.Sub(first.Time), f.to.PE.ID)
		return "the notice came before the first data"
	})
}

// weakerElement: a session with a secured element loses it, and the pool has only elements
// that are less secure. The user must not go on with one of them behind the application's
// back.
func weakerElement(ctx context.Context, r *engine.Run) {
	s := setUser(r)
	defer s.leave()
	f := s.setFailover(ctx, actor.ServiceSpec{})
	weak := s.weakElements(ctx)
	f.to.Close()
	r.Passive(ctx, "the elements of the pool end, and weaker ones take their place", func(ctx context.Context, g gomega.Gomega) string {
		f.replace(weak)
		f.crash()
		return f.meets(ctx, g, weak)
	})
	works := f.recovers(ctx)
	r.Oracle(ctx, "nothing went to a weaker element without a notice", func(_ context.Context, g gomega.Gomega) string {
		if !works {
			return "the user does not go on, so nothing can be said"
		}
		var silent []string
		for _, e := range weak {
			told := false
			for _, event := range f.told.all() {
				told = told || event.Kind == sut.EventFailover && event.PEID == e.PE.ID
			}
			if used(e.Service) && !told {
				silent = append(silent, e.what)
			}
		}
		g.Expect(silent).To(gomega.BeEmpty(), "without a notice, the user goes on with %s", strings.Join(silent, " and "))
		return fmt.Sprintf("none of %d weaker elements was used without a notice", len(weak))
	})
}

// weakElement is one that is less secure than the user has to have it.
type weakElement struct {
	*actor.Service
	what string
}

// weakElements opens one in clear, and one whose certificate is its own.
func (s *userStage) weakElements(ctx context.Context) (weak []weakElement) {
	s.run.Baseline(ctx, "weaker elements serve", func(ctx context.Context, g gomega.Gomega) string {
		clear, err := s.open(ctx, actor.ServiceSpec{Name: "pe in clear"})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open a service in clear")
		addr := s.run.Instance.Local()
		forged, err := (&attackers.Forger{Addr: addr, Root: s.run.Instance.Authority.Certificate}).All()
		g.Expect(err).NotTo(gomega.HaveOccurred(), "forge a certificate")
		own, err := s.open(ctx, actor.ServiceSpec{Name: "pe unverifiable", Addr: addr, Certificate: &forged[0].Certificate})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open a service with a forged certificate")
		weak = []weakElement{{clear, "an element in clear"}, {own, "an element with " + forged[0].What}}
		return fmt.Sprintf("%d elements", len(weak))
	})
	return weak
}

// replace has the registrar list weak elements only.
func (f *failover) replace(weak []weakElement) {
	members := make([]wire.PoolElement, 0, len(weak))
	for _, e := range weak {
		members = append(members, e.PE)
	}
	f.registrar.SetMembers(members...)
}

// meets waits until the user has come to every weak element, or stays with one of them.
func (f *failover) meets(ctx context.Context, g gomega.Gomega, weak []weakElement) string {
	waiting, cancel := context.WithTimeout(ctx, min(hesitation, f.run.Instance.Timers.Response))
	_ = weak[0].AwaitAttempt(waiting, 0) // a user that waits for something to send comes later
	cancel()
	for range attempts {
		if f.exchange(ctx, f.user, nextData) == nil {
			return "it goes on with one of them"
		}
		missed := 0
		for _, e := range weak {
			if e.Attempts() == 0 {
				missed++
			}
		}
		if missed == 0 {
			return "it comes to each of them and goes on with none"
		}
	}
	g.Expect(weak[0].Attempts()).NotTo(gomega.BeZero(), "the user does not come to the weaker elements")
	return "it comes to one of them"
}

// recovers is the canary: with an element that is as it should be, the user goes on.
func (f *failover) recovers(ctx context.Context) bool {
	return f.run.Canary(ctx, "with an element as it should be in the pool, the user exchanges data", func(ctx context.Context, g gomega.Gomega) string {
		good, err := f.service(ctx, actor.ServiceSpec{Name: "pe as it should be"})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open a service")
		f.registrar.SetMembers(good.PE)
		for range attempts {
			if err = f.exchange(ctx, f.user, lastData); err == nil {
				break
			}
		}
		g.Expect(err).NotTo(gomega.HaveOccurred())
		return "it gets its answer"
	})
}

// lastData is what the user sends at the end.
const lastData = "rspthreat: to the last element"

// used tells whether an element was sent anything of the application's.
func used(s *actor.Service) bool {
	return carries(s, nextData) || carries(s, lastData) || len(echoes(s)) > 0
}

// echoes are the cookies that an element was shown.
func echoes(s *actor.Service) (all []actor.Served) {
	for _, served := range s.Served() {
		if isEcho(served) {
			all = append(all, served)
		}
	}
	return all
}

func isEcho(served actor.Served) bool {
	_, ok := served.Control.(*wire.CookieEcho)
	return ok
}
