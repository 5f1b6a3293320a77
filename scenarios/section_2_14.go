// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_14: Flood of endpoint keep alive messages from the ENRP server to a PE.
//
// "ENRP MUST limit the frequency of keep alive messages to a given PE to prevent overwhelming
// the PE. This mechanism is described in ENRP." It is not; RFC 5352 section 3.5 spreads idle
// keep-alives by plus/minus 50 percent, and has one sent at once for each report.
func section2_14() []engine.Check {
	threat := reports.Threat{
		Attacker:     "pool users that report an element without end, peers that take registrars over, an element that re-registers without end",
		Precondition: "the registrar limits the keep-alives to one element, whatever asks for them",
		Effect:       "an element is so busy with keep-alives that it cannot serve",
		Mitigation:   "Keep-alives to one element are coalesced and spaced, and idle ones are spread.",
		Residual:     "A registrar that is itself malicious is not held back by a limit of its own.",
	}
	return []engine.Check{
		{
			ID: "2.14-storms", Section: "2.14", Role: engine.Registrar, Wanted: sut.Wanted{Patient: true},
			Title:        "Reports, takeovers and re-registrations without end ask for keep-alives",
			Requirements: []string{"T2.14-R1"}, Threat: threat, Run: keepAliveStorms,
		},
		{
			ID: "2.14-idle", Section: "2.14", Role: engine.Registrar, Wanted: sut.Wanted{KeepAlives: true, Patient: true},
			Title:        "Idle elements wait for their keep-alives",
			Requirements: []string{"T2.14-R2"}, Threat: threat, Applies: needsKeepAlives, Run: idleKeepAlives,
		},
	}
}

const (
	// defaultKeepAlives a second are what an element bears from a system that promises
	// nothing: the draft asks for a limit and gives no number.
	defaultKeepAlives = 10
	// What is counted in a second may come from more of them: on a busy machine messages wait
	// and then come at once.
	keepAliveFactor, keepAliveGrace = 1.5, 2
	stormReporters                  = 10 // so that a limit for each of them does not hide what they do together
	// stormReports is the time between two reports of one of them: together they send far more
	// than any limit, and no more than the machine that harness and system share can bear.
	stormReports = 40 * time.Millisecond
	stormTime    = 1200 * time.Millisecond
	stormPace    = 5 * time.Millisecond // of takeovers and re-registrations
)

// promised is the limit on keep-alives a second to one element.
func promised(r *engine.Run) float64 {
	if l := r.Instance.Limits.KeepAlivesPerSecond; l > 0 {
		return l
	}
	r.LessCertain(fmt.Sprintf("the system promises no limit on keep-alives (limits.keep_alives_per_second), so it is judged by %d a second", defaultKeepAlives))
	return defaultKeepAlives
}

func keepAliveStorms(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	keepAlives := &meter{run: r}
	e := s.reported(ctx, keepAlives)
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
		defer cancel()
		_ = e.Deregister(ctx) // it may have been removed
		e.Close(ctx)
	}()
	limit := promised(r)
	plot := reports.Plot{Title: "Keep-alives to one element", Unit: "1/s", Limits: []reports.Limit{{Name: "promised", Value: limit}}}
	rates := make(map[string]int)
	storm := func(name, title string, rage engine.Step) {
		from := r.Since()
		r.Attack(ctx, title, rage)
		at := keepAlives.since(from)
		rates[name] = most(at, time.Second)
		plot.Series = append(plot.Series, rate(name, at, from, r.Since()))
	}
	storm("reports", fmt.Sprintf("%d users report the element without end", stormReporters), func(ctx context.Context, g gomega.Gomega) string {
		stop := s.reportLoudly(ctx, stormReporters, stormReports, &wire.EndpointUnreachable{PoolHandle: []byte(e.Pool), PEID: e.PE.ID}, straight)
		wait(ctx, stormTime)
		tallies := stop()
		g.Expect(sent(tallies)).NotTo(gomega.BeZero(), "no report got out")
		return fmt.Sprintf("%d reports sent", sent(tallies))
	})
	if door, ok := s.takeoverDoor(); ok {
		storm("takeovers", "a peer takes registrars over without end", func(ctx context.Context, g gomega.Gomega) string {
			return s.takeovers(ctx, g, door)
		})
	} else {
		r.Note("takeovers without end were not tried: there is no ENRP door")
	}
	storm("re-registrations", "the element re-registers without end", func(ctx context.Context, g gomega.Gomega) string {
		n := s.reregister(ctx, e, keepAlives)
		g.Expect(n).NotTo(gomega.BeZero(), "the element could not re-register")
		return fmt.Sprintf("%d re-registrations", n)
	})
	s.canary(ctx)
	r.Plot(plot)
	bearable := int(keepAliveFactor*limit) + keepAliveGrace
	r.Oracle(ctx, "the element got no more keep-alives than promised", func(_ context.Context, g gomega.Gomega) string {
		var lines, over []string
		for _, name := range slices.Sorted(maps.Keys(rates)) {
			lines = append(lines, fmt.Sprintf("%s: %d", name, rates[name]))
			if rates[name] > bearable {
				over = append(over, name)
			}
		}
		told := fmt.Sprintf("keep-alives within a second: %s; promised: %g", strings.Join(lines, ", "), limit)
		g.Expect(over).To(gomega.BeEmpty(), "more keep-alives than promised during %s; %s", strings.Join(over, " and "), told)
		return told
	})
}

// wait is how long a storm goes on; its events are counted, not waited for.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// paced calls f again and again for stormTime, until it returns false.
func paced(ctx context.Context, f func() bool) {
	ctx, cancel := context.WithTimeout(ctx, stormTime)
	defer cancel()
	tick := time.NewTicker(stormPace)
	defer tick.Stop()
	for f() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// takeoverDoor is where a peer comes with takeovers, or a stranger where peers have no door.
func (s *stage) takeoverDoor() (script.Door, bool) {
	doors := append(s.run.World.Doors(wire.ENRP), s.site().Clear(wire.ENRP)...)
	if len(doors) == 0 {
		return script.Door{}, false
	}
	return doors[0], true
}

// takeovers has an authenticated peer initiate and declare takeovers: of the registrar itself,
// of another peer, and of a registrar that nobody has ever heard of. Where there is no peer
// it is a stranger who does.
func (s *stage) takeovers(ctx context.Context, g gomega.Gomega, door script.Door) string {
	spoofer := s.spoofer(s.run.Instance.Credentials.Peer)
	spoofer.Door = door
	n, err := spoofer.Open(ctx)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the peer")
	defer n.Abort()
	victim := s.victim()
	at := n.Info().Local.Addr()
	targets := []wire.ServerID{victim.Server, 0x52535032, wire.ServerID(s.run.Random())}
	sent := 0
	_ = n.Send(ctx, victim.RoguePresence(at)) // a system that does not want it does not answer
	paced(ctx, func() bool {
		for _, target := range targets {
			for _, m := range []wire.Message{
				&wire.InitTakeover{Sender: attackers.RogueServer, Target: target},
				&wire.TakeoverServer{Sender: attackers.RogueServer, Target: target},
			} {
				if n.Send(ctx, m) != nil {
					return false
				}
				sent++
			}
		}
		return true
	})
	return fmt.Sprintf("%d messages sent", sent)
}

// reregister has an element re-register without end, which no registrar needs to grant. Its
// keep-alives come to where it registers from.
func (s *stage) reregister(ctx context.Context, e *actor.Element, keepAlives *meter) int {
	spoofer := s.spoofer(s.run.Instance.Credentials.Element)
	spoofer.OnMessage = func(n *script.Node, m wire.Message) bool {
		k, ok := m.(*wire.EndpointKeepAlive)
		if ok && keepAlives.tick() {
			_ = n.Send(context.WithoutCancel(ctx), &wire.EndpointKeepAliveAck{PoolHandle: k.PoolHandle, PEID: e.PE.ID}) // the storm ends with the association
		}
		return ok
	}
	n, err := spoofer.Open(ctx)
	if err != nil {
		return 0
	}
	defer n.Abort()
	again := e.PE
	if at := n.Info().Local.Addr(); at.IsValid() {
		again.User.Addrs = []netip.Addr{at.Unmap()} // an element registers no other address than its own
	}
	sent := 0
	paced(ctx, func() bool {
		if n.Send(ctx, &wire.Registration{PoolHandle: []byte(e.Pool), Element: again}) != nil {
			return false
		}
		sent++
		return true
	})
	return sent
}

// The idle elements, and what is asked of the spread of their keep-alives.
const (
	idleElements = 12
	idleGaps     = 5 // between two keep-alives to each of them, at least
	// RFC 5352 section 3.5 spreads by plus/minus 50 percent, so that the middle half of the
	// gaps lies within half the mean. Half of that is asked for; the other gaps are left out,
	// which may have waited for a busy machine.
	leastSpread = 0.25
	// longestIdle bounds the mean time between keep-alives that a check can wait for.
	longestIdle = 3 * time.Second
)

// needsKeepAlives wants idle keep-alives that a check can wait for.
func needsKeepAlives(i *sut.Instance) string {
	switch d := i.Timers.KeepAlive; {
	case d == 0:
		return "needs to know how often an idle element gets a keep-alive (timers.keep_alive)"
	case d > longestIdle:
		return fmt.Sprintf("an idle element gets a keep-alive every %s; the check waits for ten and needs at most %s (timers.keep_alive)", d, longestIdle)
	}
	return ""
}

func idleKeepAlives(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	mean := r.Instance.Timers.KeepAlive
	meters := make([]*meter, idleElements)
	var elements []*actor.Element
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
		defer cancel()
		for _, e := range elements {
			_ = e.Deregister(ctx) // nothing more can be done
			e.Close(ctx)
		}
	}()
	from := r.Since()
	r.Baseline(ctx, "elements register and are left alone", func(ctx context.Context, g gomega.Gomega) string {
		for n := range meters {
			meters[n] = &meter{run: r}
			e, err := r.World.OpenElement(ctx, actor.Spec{
				Name: fmt.Sprintf("pe idle %d", n+1), Door: s.element.Door(), ID: wire.PEID(r.Random()), Answer: meters[n].tick,
			})
			g.Expect(err).NotTo(gomega.HaveOccurred(), "connect an element")
			elements = append(elements, e)
			g.Expect(e.Register(ctx)).To(gomega.Succeed(), "register an element")
		}
		return fmt.Sprintf("%d elements are registered", idleElements)
	})
	var gaps []time.Duration
	r.Passive(ctx, fmt.Sprintf("wait for their keep-alives, every %s or so", mean), func(ctx context.Context, g gomega.Gomega) string {
		gaps = s.gaps(ctx, meters, from, 3*idleGaps*mean)
		g.Expect(len(gaps)).To(gomega.BeNumerically(">=", idleElements*idleGaps/2), "too few keep-alives came")
		return fmt.Sprintf("%d gaps between keep-alives", len(gaps))
	})
	s.canary(ctx)
	plot := reports.Plot{Title: "Keep-alives to idle elements", Unit: "1/s"}
	for n, m := range meters {
		plot.Series = append(plot.Series, rate(fmt.Sprintf("element %d", n+1), m.since(from), from, r.Since()))
	}
	r.Plot(plot)
	slices.Sort(gaps)
	spread := float64(gaps[len(gaps)*3/4]-gaps[len(gaps)/4]) / float64(mean)
	r.Oracle(ctx, "idle keep-alives are spread", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(spread).To(gomega.BeNumerically(">=", leastSpread), "the middle half of the gaps between keep-alives differs by %.2f of their mean; plus/minus 50 percent would be 0.50 (RFC 5352 section 3.5)", spread)
		return fmt.Sprintf("the middle half of %d gaps differs by %.2f of their mean, %s", len(gaps), spread, mean)
	})
}

// gaps waits until each element has had its keep-alives, or at most that long.
func (s *stage) gaps(ctx context.Context, meters []*meter, from, atMost time.Duration) []time.Duration {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	tick := time.NewTicker(pollRemoval)
	defer tick.Stop()
	for {
		var gaps []time.Duration
		enough := true
		for _, m := range meters {
			at := m.since(from)
			for i := 1; i < len(at); i++ {
				gaps = append(gaps, at[i]-at[i-1])
			}
			enough = enough && len(at) > idleGaps
		}
		select {
		case <-tick.C:
			if enough {
				return gaps
			}
		case <-ctx.Done():
			return gaps
		}
	}
}
