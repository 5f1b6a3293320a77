// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_2: PE registration/deregistration flooding -- unauthorized PE.
//
// "An ENRP server that receives a registration/deregistration MUST NOT create or update
// state information until the authentication information of the registering/de-registering
// entity is verified." The effect that the section names is that "a flood of message could
// prevent legitimate PEs from registering".
//
// T2.2-R2 is judged with section 2.3, T2.2-R3 and T2.2-R4 with section 2.1.
func section2_2() []engine.Check {
	return []engine.Check{{
		ID: "2.2-flood", Section: "2.2", Role: engine.Registrar,
		Title:        "Nodes that may not register flood the registrar with registrations and deregistrations",
		Requirements: []string{"T2.2-R1"},
		Threat: reports.Threat{
			Attacker:     "many nodes at once: without credentials, with guessed keys, with keys of other roles and pools, with one that was withdrawn and with tickets of its sessions",
			Precondition: "refusing costs the registrar little, and leaves nothing behind",
			Effect:       "honest elements cannot register, users cannot resolve; the handlespace fills with false entries",
			Mitigation:   "TLS-PSK before anything is kept, one cheap look at each request, and rates for each identity.",
			Residual:     "A flood that fills the link, or comes from very many addresses, is for the network to stop.",
		},
		Run: flood,
	}}
}

// The bounds of the flood, which lasts as long as honest nodes are timed: a second.
const (
	floodMessages   = 2000 // from each flooder, at most
	floodHandshakes = 50   // refused ones of each flooder, at most
)

func flood(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	var before, during []timing
	r.Baseline(ctx, "honest nodes are timed without a flood", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		before, err = s.time(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "register and resolve")
		return fmt.Sprintf("median of %d registrations and resolutions: %s", len(before), median(before).Round(time.Microsecond))
	})
	s.withdrawOther(ctx)
	control := s.control(ctx, func(ctx context.Context, aim func(script.Door) script.Door) func() {
		stop := s.flood(ctx, aim)
		return func() { stop() }
	})
	var tallies []attackers.Tally
	var invented map[wire.PEID]bool
	var unserved error
	r.Attack(ctx, "flood from all sides while honest nodes register and resolve", func(ctx context.Context, g gomega.Gomega) string {
		stop := s.flood(ctx, straight)
		during, unserved = s.time(ctx)
		tallies, invented = stop()
		total := 0
		for _, t := range tallies {
			total += t.Sent + t.Handshakes
		}
		g.Expect(total).NotTo(gomega.BeZero(), "the flooders got nothing out")
		return sentence(tallies)
	})
	alive := s.canary(ctx)
	s.look(ctx)
	r.Oracle(ctx, "nothing of the flood was accepted", func(_ context.Context, g gomega.Gomega) string {
		for _, t := range tallies {
			g.Expect(t.Accepted).To(gomega.BeZero(), "%s", t)
		}
		return fmt.Sprintf("none of the requests of %d flooders was accepted", len(tallies))
	})
	r.Oracle(ctx, "nothing of the flood is in the handlespace, and peers heard nothing of it", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(s.updatesAbout(invented)).To(gomega.BeZero(), "peers were told of elements of the flood")
		return s.unchanged(g, slices.Collect(maps.Keys(invented))...)
	})
	s.served(ctx, alive, latencies{before, control, during, unserved})
}

// straight aims a flood at the system under test.
func straight(d script.Door) script.Door { return d }

// latencies are those of honest nodes without a flood, while one goes elsewhere, and while it
// goes to the system under test.
type latencies struct {
	before, control, during []timing
	unserved                error // one of the last was not served
}

// bound is the longest median during the flood that is found in order.
func (l latencies) bound() time.Duration {
	return max(floodFactor*median(l.before), controlFactor*median(l.control)) + floodGrace
}

// served judges the latency of honest nodes during a flood.
func (s *stage) served(ctx context.Context, alive bool, l latencies) {
	l.plot(s.run)
	was, elsewhere, is, limit := median(l.before), median(l.control), median(l.during), l.bound()
	s.run.Oracle(ctx, "honest nodes were served during the flood", func(_ context.Context, g gomega.Gomega) string {
		if !alive {
			return "the system is not there any more, so nothing can be said of its latency"
		}
		g.Expect(l.unserved).NotTo(gomega.HaveOccurred(), "an honest node was not served")
		g.Expect(is).To(gomega.BeNumerically("<=", limit), "the median latency of honest nodes went from %s to %s, more than %s; it was %s while the flood went elsewhere", was, is, limit, elsewhere)
		return fmt.Sprintf("median latency %s, %s without the flood, %s while it went elsewhere, limit %s", is.Round(time.Microsecond), was.Round(time.Microsecond), elsewhere.Round(time.Microsecond), limit.Round(time.Millisecond))
	})
}

func sentence(tallies []attackers.Tally) string {
	lines := make([]string, 0, len(tallies))
	for _, t := range tallies {
		lines = append(lines, t.String())
	}
	return strings.Join(lines, "; ")
}

// flood starts all flooders and returns what stops them, counts, and names the elements
// that they invented: others on a shared system are none of this check's business.
func (s *stage) flood(ctx context.Context, aim func(script.Door) script.Door) (stop func() ([]attackers.Tally, map[wire.PEID]bool)) {
	ctx, cancel := context.WithCancel(ctx)
	where := s.site()
	at := from(&where, s.run)
	flooders := s.flooders(where, aim)
	tallies := make([]attackers.Tally, len(flooders))
	var (
		running  sync.WaitGroup
		mu       sync.Mutex
		invented = make(map[wire.PEID]bool)
	)
	for i, f := range flooders {
		running.Go(func() {
			n := 0
			tallies[i] = f.Flood(ctx, floodMessages, floodHandshakes, func() wire.Message {
				if n++; n%2 == 0 {
					return &wire.Deregistration{PoolHandle: []byte(s.run.Instance.Pool), PEID: s.element.PE.ID}
				}
				id := wire.PEID(s.run.Random())
				mu.Lock()
				invented[id] = true
				mu.Unlock()
				return &wire.Registration{PoolHandle: []byte(s.run.Instance.Pool), Element: actor.NewPE(id, at)}
			})
		})
	}
	return func() ([]attackers.Tally, map[wire.PEID]bool) {
		cancel()
		running.Wait()
		return tallies, invented
	}
}

// withdrawOther has the administrator withdraw the key of the second element, where that can
// be done: it is one more identity that may not register.
func (s *stage) withdrawOther(ctx context.Context) {
	k := s.run.Instance.Credentials.Other
	if s.run.Instance.Security == sut.Clear || k == nil {
		return
	}
	s.run.Baseline(ctx, "the administrator withdraws the key of another element, where that can be done", func(ctx context.Context, g gomega.Gomega) string {
		holder := &attackers.TicketHolder{Spoofer: *s.spoofer(k)}
		held, err := holder.Collect(ctx, &wire.HandleResolution{PoolHandle: []byte(s.run.Instance.Pool)}, isResolved)
		if err != nil { // the flood of the others does not hang on it
			s.run.LessCertain("no session tickets could be kept: " + err.Error())
		}
		err = s.run.Instance.Revoke(ctx, k.Identity)
		if errors.Is(err, sut.ErrUnsupported) {
			return err.Error()
		}
		g.Expect(err).NotTo(gomega.HaveOccurred(), "withdraw the key")
		s.withdrawn, s.tickets = k, holder
		return fmt.Sprintf("the key of %q is withdrawn; it had %d session tickets", k.Identity, held)
	})
}

// isResolved tells whether m answers a resolution.
func isResolved(m wire.Message) bool {
	_, ok := m.(*wire.HandleResolutionResponse)
	return ok
}

// flooders are all who may not register: everybody on a system in clear.
func (s *stage) flooders(where attackers.Site, aim func(script.Door) script.Door) []*attackers.Flooder {
	var all []*attackers.Flooder
	add := func(who string, doors []sut.Door, config func() *tlspsk.Config) {
		for _, d := range doors {
			all = append(all, &attackers.Flooder{Site: where, Who: who, Door: aim(script.Door(d)), Config: config})
		}
	}
	i := s.run.Instance
	add("in clear", i.Associations(wire.ASAP, false), func() *tlspsk.Config { return nil })
	if i.Security == sut.Clear {
		return all
	}
	secured := i.Associations(wire.ASAP, true)
	add("without a key", secured, func() *tlspsk.Config {
		return &tlspsk.Config{Certificates: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} // an attacker does not care who answers
	})
	add("with a guessed key", secured, func() *tlspsk.Config {
		return &tlspsk.Config{PSKIdentity: i.Credentials.Element.Identity, PSKKey: make([]byte, 32)}
	})
	for _, k := range []*sut.PSK{i.Credentials.Restricted, i.Credentials.Peer, s.withdrawn} {
		if k != nil {
			add("as "+k.Identity, secured, func() *tlspsk.Config { return actor.PSKConfig(k) })
		}
	}
	if s.tickets != nil { // a ticket is for the door that it came from
		for _, config := range s.tickets.Configs() {
			all = append(all, &attackers.Flooder{Site: where, Who: "with a ticket of " + s.withdrawn.Identity, Door: aim(s.tickets.Door), Config: config})
		}
	}
	return all
}

// updatesAbout counts the updates about these elements that the peer registrar heard.
func (s *stage) updatesAbout(ids map[wire.PEID]bool) int {
	if s.view.Peer() == nil {
		return 0
	}
	n := 0
	for _, m := range s.view.Peer().Received() {
		if u, ok := m.(*wire.HandleUpdate); ok && ids[u.Element.ID] {
			n++
		}
	}
	return n
}
