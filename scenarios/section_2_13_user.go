// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_13User: Flood of endpoint unreachable messages from the PU to the ENRP server.
//
// "The number of endpoint unreachable messages sent to the ENRP server from the PU SHOULD be
// limited. This mechanism is described in the ASAP protocol document": RFC 5352 section 3.5
// has an endpoint "report no more than once each time it encounters such an event".
func section2_13User() []engine.Check {
	return []engine.Check{{
		ID: "2.13-unreachable-reports", Section: "2.13", Role: engine.PoolUser, Rung: 1,
		Title:        "A pool is full of elements that cannot be reached",
		Requirements: []string{"T2.13-R1", "T2.13-R2"},
		Threat: reports.Threat{
			Attacker:     "nobody, or whoever makes many elements unreachable at once: the user itself is the flood",
			Precondition: "a user reports once for each event, and not more often than a registrar can take",
			Effect:       "the registrar probes elements for ever and serves nobody else",
			Mitigation:   "one report for each event, and a limit on all reports of a user",
			Residual:     "many users that lose the same elements report them all, which only the registrar can limit",
		},
		Run: reportsOfTheGone,
	}}
}

// How many reports a user may make. The documents demand a limit and name none; this is what
// the reference registrar takes from one user before it drops any.
const (
	reportBurst     = 20
	reportPerSecond = 5
)

// reportLimit is how many reports may have come after a time.
func reportLimit(d time.Duration) float64 { return reportBurst + reportPerSecond*d.Seconds() }

const (
	// goneElements is far above the limit for as long as a check takes.
	goneElements = 200
	// encounters is how often a user is made to find one and the same element gone.
	encounters = 6
)

// gone describes an element at a port that nobody listens at.
func (s *userStage) gone(addr netip.Addr) wire.PoolElement {
	return actor.Serving(s.absent(addr), s.run.Instance.ServiceTransport, closedPort)
}

// closedPort is one that no service of the harness listens at (TCP Port Service Multiplexer,
// and nothing over SCTP).
const closedPort = 1

func reportsOfTheGone(ctx context.Context, r *engine.Run) {
	s := setUser(r)
	defer s.leave()
	u := &reportingUser{userStage: s}
	u.open(ctx)
	once, found, reported := u.oneElement(ctx)
	all, limit := u.manyElements(ctx)
	r.Oracle(ctx, "an element is reported once each time that the user finds it gone", func(_ context.Context, g gomega.Gomega) string {
		if !reported {
			return "the user does not work any more, so nothing can be said"
		}
		g.Expect(once).To(gomega.BeNumerically("<=", found), "one element that was found gone %d times is reported %d times", found, once)
		return fmt.Sprintf("one element that was found gone %d times is reported %d times", found, once)
	}, "T2.13-R2")
	r.Oracle(ctx, "the number of reports is limited", func(_ context.Context, g gomega.Gomega) string {
		if limit == 0 {
			return "the user does not work any more, so nothing can be said"
		}
		g.Expect(float64(all)).To(gomega.BeNumerically("<=", limit), "%d reports for %d elements that are gone, %.0f is what a registrar may have to take in that time", all, goneElements, limit)
		return fmt.Sprintf("%d reports for %d elements that are gone", all, goneElements)
	}, "T2.13-R1")
}

// reportingUser is a user whose reports the registrar counts.
type reportingUser struct {
	*userStage
	place     sut.Place
	registrar *actor.Registrar
	element   *actor.Service // one that is there
}

func (u *reportingUser) open(ctx context.Context) {
	u.run.Baseline(ctx, "an element serves, and a registrar lists it", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		u.element, err = u.service(ctx, actor.ServiceSpec{})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the service")
		u.place, err = u.userStage.place(0)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		u.registrar, err = u.userStage.registrar(ctx, u.place, actor.RegistrarSpec{Members: []wire.PoolElement{u.element.PE}})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the registrar")
		return "element " + u.element.PE.ID.String()
	})
}

// nowhere is an address at which no element is, where who comes is refused and need not wait:
// over UDP a registrar answers for all ports of SCTP at its address, and otherwise the host
// for addresses at which nobody has SCTP.
func (u *reportingUser) nowhere() netip.Addr {
	at := u.place.Addr.Addr()
	if u.run.Instance.ServiceTransport != association.SCTPUDP {
		for range addresses {
			if local := u.run.Instance.Local(); local != at {
				return local
			}
		}
	}
	return at
}

// addresses is how many the harness looks at for one that a registrar does not have.
const addresses = 3

// begin starts a user and has it exchange data, over a session that it then loses.
func (u *reportingUser) begin(ctx context.Context) sut.UserNode {
	user := u.start(ctx, u.spec(u.place))
	u.registrar.SetMembers(u.element.PE)
	u.run.Need(ctx, "the user exchanges data", func(ctx context.Context) (string, error) {
		return "it gets its answer", u.exchange(ctx, user, firstData)
	})
	return user
}

// find has the user go to elements that are gone, as often as it says, and counts what the
// registrar then hears. ok tells that the user works afterwards: its reports stand before
// what it asks then.
func (u *reportingUser) find(ctx context.Context, user sut.UserNode, title string, times int, members []wire.PoolElement) (heard []actor.Heard, took time.Duration, ok bool) {
	known := len(u.registrar.Heard())
	began := time.Now()
	u.run.Passive(ctx, title, func(ctx context.Context, g gomega.Gomega) string {
		u.registrar.SetMembers(members...)
		u.element.Close() // the session ends, and the user has to look for another element
		tried := 0
		for tried < times {
			err := u.exchange(ctx, user, nextData)
			g.Expect(err).To(gomega.HaveOccurred(), "the user got an answer although every element is gone")
			if tried++; ctx.Err() != nil {
				break
			}
		}
		return fmt.Sprintf("the user could not send %d times", tried)
	})
	ok = u.run.Canary(ctx, "with an element that is there, the user exchanges data", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		u.element, err = u.service(ctx, actor.ServiceSpec{})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open a service")
		u.registrar.SetMembers(u.element.PE)
		for range attempts {
			if err = u.exchange(ctx, user, lastData); err == nil {
				break
			}
		}
		g.Expect(err).NotTo(gomega.HaveOccurred())
		g.Expect(carries(u.element, lastData)).To(gomega.BeTrue(), "nothing of it is seen at the element")
		return "it gets its answer"
	})
	took = time.Since(began)
	for _, h := range u.registrar.Heard()[known:] {
		if _, report := h.Message.(*wire.EndpointUnreachable); report {
			heard = append(heard, h)
		}
	}
	return heard, took, ok
}

// oneElement has a user find one element gone again and again. found is how often: once each
// time that it is to send, or more often where the user tries again by itself, and for that
// asks the registrar anew.
func (u *reportingUser) oneElement(ctx context.Context) (reported, found int, ok bool) {
	user := u.begin(ctx)
	defer u.stop(ctx, user)
	gone := u.gone(u.nowhere())
	known := len(u.registrar.Heard())
	heard, _, ok := u.find(ctx, user, fmt.Sprintf("the only element is gone, and the user is to send %d times", encounters), encounters, []wire.PoolElement{gone})
	for _, h := range heard {
		if h.Message.(*wire.EndpointUnreachable).PEID == gone.ID {
			reported++
		}
	}
	for _, h := range u.registrar.Heard()[known:] {
		if _, resolution := h.Message.(*wire.HandleResolution); resolution {
			found++
		}
	}
	return reported, max(found, encounters), ok
}

// manyElements has a user find many elements gone at once. limit is what may have come.
func (u *reportingUser) manyElements(ctx context.Context) (reported int, limit float64) {
	user := u.begin(ctx)
	defer u.stop(ctx, user)
	gone := make([]wire.PoolElement, goneElements)
	at := u.nowhere()
	for n := range gone {
		gone[n] = u.gone(at)
	}
	since := u.run.Since()
	began := time.Now()
	heard, took, ok := u.find(ctx, user, fmt.Sprintf("all of %d elements are gone", len(gone)), 1, gone)
	if !ok {
		return 0, 0
	}
	curve, promised := reports.Series{Name: "reports of one user"}, reports.Series{Name: "what a registrar may have to take"}
	for n, h := range heard {
		at := since + h.Time.Sub(began)
		curve.Points = append(curve.Points, reports.Point{At: at, Value: float64(n + 1)})
		promised.Points = append(promised.Points, reports.Point{At: at, Value: reportLimit(h.Time.Sub(began))})
	}
	u.run.Plot(reports.Plot{
		Title: fmt.Sprintf("Reports of %d elements that are gone", len(gone)), Unit: "messages",
		Limits: []reports.Limit{{Name: "limit at the end", Value: reportLimit(took)}}, Series: []reports.Series{curve, promised},
	})
	return len(heard), reportLimit(took)
}
