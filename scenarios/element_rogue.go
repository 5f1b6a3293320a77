// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// site is where the attacker stands: it knows where the element looks for its registrar, and
// the element's own door.
func (s *elementStage) site() attackers.Site {
	return attackers.Site{
		Local: s.run.Instance.Local, Recorder: s.run.World.Recorder,
		Wire: s.run.Instance.Wire, Patience: s.run.Instance.Timers.Response, Company: s.company,
	}
}

// rogue puts a rogue registrar at the honest one's place, starts the element anew, and waits
// until it has come there and the matter is decided.
func (s *elementStage) rogue(ctx context.Context, g gomega.Gomega, pose attackers.Pose, more ...script.Door) *attackers.RogueRegistrar {
	_ = s.stop(ctx)
	s.goAway()
	p := s.registrar.Place
	door := script.Door{Protocol: wire.ASAP, Transport: p.Transport, Addr: p.Addr, EncapsulationPort: p.EncapsulationPort}
	site := s.site()
	rogue, err := site.Stand(ctx, pose, s.spec.Pool, append([]script.Door{door}, more...)...)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "the rogue registrar takes its place")
	defer rogue.Close()
	g.Expect(s.start(ctx)).To(gomega.Succeed(), "start the element")
	g.Expect(s.settle(ctx, rogue)).To(gomega.Succeed(), "the element does not come to the rogue registrar")
	if len(rogue.Heard()) > 0 {
		_ = s.stop(ctx) // it would not leave without its registrar
	}
	return rogue
}

// settle waits until the element has told the rogue registrar something, or has given it up.
func (s *elementStage) settle(ctx context.Context, rogue *attackers.RogueRegistrar) error {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	events, addr := s.events, rogue.Doors()[0].Addr.Addr()
	answered(waiting, rogue)
	missed := rogue.Missed()
	given := make(chan error, 1)
	go func() {
		err := rogue.AwaitAttempt(waiting, 0)
		if err == nil {
			err = events.awaitAt(waiting, missed+comebacks, addr, sut.EventRefused)
		}
		given <- err
		stop()
	}()
	err := rogue.Settle(waiting, missed+2*comebacks)
	stop()
	if <-given == nil || len(rogue.Heard()) > 0 {
		return nil
	}
	return err
}

// answered waits until the rogue registrar has answered somebody: on a busy machine the element's
// timer may end its first attempts before that, which decides nothing.
func answered(ctx context.Context, rogue *attackers.RogueRegistrar) {
	ctx, stop := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = rogue.AwaitOver(ctx, tries) // an element that leaves that often does not wait for an answer
	}()
	select {
	case <-rogue.Answered():
	case <-over:
	}
	stop()
	<-over
}

// told lists what rogue registrars were told.
func told(rogues []*attackers.RogueRegistrar) (lines []string) {
	for _, r := range rogues {
		for _, m := range r.Heard() {
			lines = append(lines, fmt.Sprintf("%s to the one that shows %s", m.Name(), r.Pose))
		}
	}
	return lines
}
