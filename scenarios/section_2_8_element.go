// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"net"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
)

// section2_8Element: Malicious node performs a replay attack.
//
// "The protocol MUST prevent replay attacks. The replay attack prevention mechanism in TLS
// meets this requirement."
func section2_8Element() []engine.Check {
	return []engine.Check{{
		ID: "2.8-pe-replay", Section: "2.8", Role: engine.PoolElement,
		Title:        "A node on the path replays what the registrar said to the element",
		Requirements: []string{"T2.8-R1", "T2.8-R2"},
		Threat: reports.Threat{
			Attacker:     "a node on the path between the element and its registrar, which reads and sends but holds no key",
			Precondition: "what a registrar said once has no effect when it is said again",
			Effect:       "an old takeover moves the element to a home that is long gone, an old response tells it that it is registered",
			Mitigation:   "TLS numbers its records within a session, and each session has keys of its own.",
			Residual:     "A replayed record ends the association: a node on the path can keep the element busy coming back.",
		},
		Applies: needsElementKey, Run: replayToElement,
	}}
}

func replayToElement(ctx context.Context, r *engine.Run) {
	onPath := paths[*attackers.Replayer]{open: func() (*attackers.Replayer, func(net.Conn) net.Conn) {
		replayer := &attackers.Replayer{}
		return replayer, replayer.Position
	}}
	s := setElement(ctx, r, func(s *elementStage) { s.registrar.Wrap = onPath.position })
	defer s.leave(ctx)
	var replayer *attackers.Replayer
	var session, takeover [][]byte
	acknowledged := 0
	r.Baseline(ctx, "the registrar confirms its takeover and keeps the element alive, and the attacker records it", func(ctx context.Context, g gomega.Gomega) string {
		var there bool
		replayer, there = onPath.on(s.home)
		g.Expect(there).To(gomega.BeTrue(), "the attacker is not on the path of the element")
		start := replayer.Mark()
		g.Expect(s.say(ctx, s.takeHome(s.honest.Server))).To(gomega.Succeed(), "keep-alive with the H flag")
		end := replayer.Mark()
		takeover, session = replayer.Between(start, end), replayer.Between(0, end)
		g.Expect(takeover).NotTo(gomega.BeEmpty(), "the attacker recorded nothing")
		g.Expect(s.keepAlive(ctx)).To(gomega.Succeed(), "keep-alive") // a last record repeated at once might pass for a retransmission
		acknowledged = s.acknowledgements(s.home)
		return fmt.Sprintf("%d pieces recorded, %d acknowledgements", len(session), acknowledged)
	})
	var again bool
	r.Attack(ctx, "replay the takeover into the same association", func(ctx context.Context, g gomega.Gomega) string {
		g.Expect(replayer.Inject(takeover)).To(gomega.Succeed(), "inject")
		var outcome string
		again, outcome = s.settled(ctx, s.home, acknowledged, 0)
		return outcome
	})
	var believed bool
	r.Attack(ctx, "replay the whole session to the element when it comes again", func(ctx context.Context, g gomega.Gomega) string {
		_ = s.stop(ctx)
		s.goAway()
		parrot := attackers.Parrot{Site: s.site(), Pieces: session}
		p := s.registrar.Place
		station, err := parrot.Stand(ctx, script.Door{Protocol: wire.ASAP, Transport: p.Transport, Secured: p.Secured, Addr: p.Addr, EncapsulationPort: p.EncapsulationPort})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "take the registrar's place")
		defer station.Close()
		g.Expect(s.start(ctx)).To(gomega.Succeed(), "start the element")
		waiting, cancel := context.WithTimeout(ctx, hunts*r.Instance.Timers.Response)
		defer cancel()
		stays := s.settle(waiting, station) != nil
		g.Expect(station.Attempts()).NotTo(gomega.BeZero(), "the element does not come")
		// What it says to TLS that is replayed cannot be read; whether it goes on with it can be seen.
		believed = stays || !p.Secured && len(station.Heard()) > 0
		return fmt.Sprintf("the element came %d times", station.Attempts())
	})
	s.registrar.Wrap = nil
	alive := s.canary(ctx)
	r.Oracle(ctx, "a replayed takeover is not acknowledged", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(again).To(gomega.BeFalse(), "the element acknowledged the keep-alive that was replayed in the same association")
		return "what was replayed in the same association had no effect"
	})
	if !alive {
		return // an element that has ended does not leave either
	}
	r.Oracle(ctx, "nor is a replayed session taken for a registrar", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(believed).To(gomega.BeFalse(), "the element took a session that was replayed for its registrar")
		return "a session that was replayed was not believed"
	})
}

// acknowledgements counts those that came over an association.
func (s *elementStage) acknowledgements(n *script.Node) int {
	count := 0
	for _, h := range s.honest.Heard() {
		if h.Node == n && isAcknowledgement(h.Message) {
			count++
		}
	}
	return count
}

// settled waits until the element has dealt with what was done to an association: it ends
// it, or has acknowledged more than it should. A keep-alive is sent behind it, so that lawful
// acknowledgements beyond the first before ones are as many as is said and one more.
func (s *elementStage) settled(ctx context.Context, n *script.Node, before, lawful int) (obeyed bool, outcome string) {
	s.behind(ctx, n, before+lawful+2)
	obeyed = s.acknowledgements(n) >= before+lawful+2
	if why, ended := n.Ended(); ended {
		s.home = nil
		return obeyed || s.acknowledgements(n) > before+lawful, fmt.Sprintf("the element ended the association: %v", why)
	}
	return obeyed, fmt.Sprintf("the element goes on with the association, after %d acknowledgements", s.acknowledgements(n)-before)
}

// behind sends a keep-alive over n and waits until that many acknowledgements have come over
// it, or it has ended.
func (s *elementStage) behind(ctx context.Context, n *script.Node, want int) {
	known := len(s.honest.Heard())
	ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Response)
	defer cancel()
	waiting, stop := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = n.Await(waiting, func(wire.Message) bool { return false }) // until it has ended
		stop()
	}()
	_ = n.Send(ctx, &wire.EndpointKeepAlive{Server: s.honest.Server, PoolHandle: []byte(s.spec.Pool)}) // it may have ended
	for err := error(nil); err == nil && s.acknowledgements(n) < want; {
		_, known, err = s.honest.Await(waiting, known, isAcknowledgement)
	}
	stop()
	<-over
}
