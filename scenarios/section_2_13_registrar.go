// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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

// section2_13Registrar: Flood of endpoint unreachable messages from the PU to the ENRP
// server, on the registrar.
//
// "The number of endpoint unreachable messages sent to the ENRP server from the PU SHOULD be
// limited." A registrar cannot make a user send less; what it can do is not to suffer from
// more, and not to let reports take an element out of its pool that answers.
func section2_13Registrar() []engine.Check {
	return []engine.Check{{
		ID: "2.13-reports", Section: "2.13", Role: engine.Registrar, Wanted: sut.Wanted{Patient: true},
		Title:        "One loud and ten quiet pool users report an element unreachable that is there",
		Requirements: []string{"T2.13-R1"},
		Threat: reports.Threat{
			Attacker:     "a pool user that reports without end, and ten that stay below any limit on one user",
			Precondition: "reports are limited, and what they say is verified before an element is removed",
			Effect:       "elements that serve are taken out of their pools; the registrar has no time for anybody else",
			Mitigation:   "The registrar asks the element itself, once for all the reports of a while, and believes it.",
			Residual:     "Each report of somebody new may still cost the element a keep-alive, up to the limit on these.",
		},
		Run: unreachableReports,
	}}
}

const (
	quietReporters = 10
	// quietReports is what each of them sends: MAX-BAD-PE-REPORT is 3 in the implementations
	// that there are (RFC 5352 section 7.3 gives no value).
	quietReports = 2
	loudReports  = 2000 // at most; the flood ends with the timing of honest nodes
)

func unreachableReports(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	probes := &meter{run: r}
	var before, during []timing
	reported := s.reported(ctx, probes)
	defer func() { // the context of the check may have ended
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
		defer cancel()
		_ = reported.Deregister(ctx) // it may have been removed
		reported.Close(ctx)
	}()
	r.Baseline(ctx, "honest nodes are timed without reports", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		before, err = s.time(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "register and resolve")
		return fmt.Sprintf("median of %d registrations and resolutions: %s", len(before), median(before).Round(time.Microsecond))
	})
	report := &wire.EndpointUnreachable{PoolHandle: []byte(r.Instance.Pool), PEID: reported.PE.ID}
	control := s.control(ctx, func(ctx context.Context, aim func(script.Door) script.Door) func() {
		stop := s.reportLoudly(ctx, 1, 0, report, aim)
		return func() { stop() }
	})
	start := r.Since()
	var quiet int
	r.Attack(ctx, fmt.Sprintf("%d users report the element %d times each", quietReporters, quietReports), func(ctx context.Context, g gomega.Gomega) string {
		var err error
		quiet, err = s.quietly(ctx, report)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "report")
		return fmt.Sprintf("%d reports sent, %d keep-alives so far", quiet, len(probes.since(start)))
	})
	afterQuiet, known := s.there(ctx, reported.PE.ID)
	var tallies []attackers.Tally
	var unserved error
	r.Attack(ctx, "one user reports the element without end, while honest nodes register and resolve", func(ctx context.Context, g gomega.Gomega) string {
		stop := s.reportLoudly(ctx, 1, 0, report, straight)
		during, unserved = s.time(ctx)
		tallies = stop()
		g.Expect(sent(tallies)).NotTo(gomega.BeZero(), "no report got out")
		return fmt.Sprintf("%d reports sent, %d keep-alives so far", sent(tallies), len(probes.since(start)))
	})
	alive := s.canary(ctx)
	s.look(ctx)
	r.Oracle(ctx, "the element that answers is still in its pool", func(_ context.Context, g gomega.Gomega) string {
		if s.after == nil || !known {
			return "the handlespace could not be looked at, so nothing can be said of it"
		}
		g.Expect(afterQuiet).To(gomega.BeTrue(), "%d reports of %d users took an element out of its pool that answers", quiet, quietReporters)
		g.Expect(s.after.Contains(r.Instance.Pool, reported.PE.ID)).To(gomega.BeTrue(), "%d reports of one user took an element out of its pool that answers", sent(tallies))
		return fmt.Sprintf("%d reports did not remove it", quiet+sent(tallies))
	})
	s.served(ctx, alive, latencies{before, control, during, unserved})
	at := probes.since(start)
	plot := reports.Plot{Title: "Keep-alives to the reported element", Unit: "1/s", Series: []reports.Series{rate("while it is reported", at, start, r.Since())}}
	if limit := r.Instance.Limits.KeepAlivesPerSecond; limit > 0 {
		plot.Limits = []reports.Limit{{Name: "promised", Value: limit}}
	}
	r.Plot(plot)
	r.Note("%d reports were answered with %d keep-alives to the element, at most %d in a second", quiet+sent(tallies), len(at), most(at, time.Second))
}

// reported registers the element that is going to be reported, which answers keep-alives.
func (s *stage) reported(ctx context.Context, probes *meter) *actor.Element {
	var e *actor.Element
	s.run.Baseline(ctx, "an element registers that answers every keep-alive", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		e, err = s.run.World.OpenElement(ctx, actor.Spec{
			Name: "pe reported", Door: s.element.Door(), ID: wire.PEID(s.run.Random()), Answer: probes.tick,
		})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the element")
		g.Expect(e.Register(ctx)).To(gomega.Succeed(), "register the element")
		return fmt.Sprintf("element %s is in pool %s", e.PE.ID, e.Pool)
	})
	return e
}

// there asks whether an element can be resolved, and whether that is known.
func (s *stage) there(ctx context.Context, id wire.PEID) (there, known bool) {
	s.run.Canary(ctx, "a pool user resolves the pool", func(ctx context.Context, g gomega.Gomega) string {
		elements, err := s.view.User().Resolve(ctx, s.run.Instance.Pool)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve")
		there, known = slices.ContainsFunc(elements, func(e wire.PoolElement) bool { return e.ID == id }), true
		return fmt.Sprintf("element %s is in the pool: %t", id, there)
	})
	return there, known
}

func sent(tallies []attackers.Tally) int {
	n := 0
	for _, t := range tallies {
		n += t.Sent
	}
	return n
}

// reporter is how a pool user comes that nobody knows: without a key, or, where users need
// one, with that of an element.
func (s *stage) reporter() (door script.Door, config func() *tlspsk.Config) {
	door = s.view.User().Door()
	i := s.run.Instance
	return door, func() *tlspsk.Config {
		switch {
		case !door.Secured:
			return nil
		case i.Credentials.RootCAs != nil:
			return &tlspsk.Config{Certificates: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} // an attacker does not care who answers
		default:
			return actor.PSKConfig(i.Credentials.Element)
		}
	}
}

// reportLoudly has that many users, each from an address of its own where there are several,
// report without end, until the function that it returns is called.
func (s *stage) reportLoudly(ctx context.Context, users int, every time.Duration, report wire.Message,
	aim func(script.Door) script.Door,
) (stop func() []attackers.Tally) {
	ctx, cancel := context.WithCancel(ctx)
	door, config := s.reporter()
	tallies := make([]attackers.Tally, users)
	var running sync.WaitGroup
	for n := range users {
		where := s.site()
		from(&where, s.run)
		f := &attackers.Flooder{Site: where, Who: fmt.Sprintf("pu loud %d", n+1), Door: aim(door), Config: config, Every: every}
		running.Go(func() {
			tallies[n] = f.Flood(ctx, loudReports/users, floodHandshakes, func() wire.Message { return report })
		})
	}
	return func() []attackers.Tally {
		cancel()
		running.Wait()
		return tallies
	}
}

// quietly has several users report a few times each, and waits until their reports have been
// dealt with: a question that they ask behind them is answered.
func (s *stage) quietly(ctx context.Context, report wire.Message) (int, error) {
	door, config := s.reporter()
	var reports atomic.Int64
	var running sync.WaitGroup
	errs := make([]error, quietReporters)
	for n := range quietReporters {
		where := s.site()
		at := from(&where, s.run)
		running.Go(func() {
			node, err := script.Open(ctx, script.Options{
				Name: fmt.Sprintf("attacker pu quiet %d", n+1), Peer: string(sut.Registrar), Hostile: true, Door: door, Local: at,
				TLS: config(), Wire: s.run.Instance.Wire, Recorder: s.run.World.Recorder,
			})
			if err != nil {
				errs[n] = err
				return
			}
			defer node.Abort()
			for range quietReports {
				if errs[n] = node.Send(ctx, report); errs[n] != nil {
					return
				}
				reports.Add(1)
			}
			ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Response)
			defer cancel()
			_, _ = node.Request(ctx, probe(), isProbe) // one that is refused has been dealt with too
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil && reports.Load() == 0 {
			return 0, err
		}
	}
	return int(reports.Load()), nil
}
