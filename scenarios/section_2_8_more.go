// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"errors"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// leavingAgain: the deregistration of an element that has registered again meanwhile is
// replayed into the association that it came over.
func (t *replayed) leavingAgain(ctx context.Context) {
	var e *actor.Element
	var pieces [][]byte
	t.run.Baseline(ctx, "an element leaves and registers again over one association, through "+t.door.String(), func(ctx context.Context, g gomega.Gomega) string {
		var err error
		e, err = t.open(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the element")
		g.Expect(e.Register(ctx)).To(gomega.Succeed(), "register")
		from := t.replayer.Mark()
		g.Expect(e.Deregister(ctx)).To(gomega.Succeed(), "deregister")
		pieces = t.replayer.Between(from, t.replayer.Mark())
		g.Expect(e.Register(ctx)).To(gomega.Succeed(), "register again")
		return "it is registered"
	})
	t.run.Attack(ctx, "replay the deregistration into the same association, through "+t.door.String(), func(ctx context.Context, _ gomega.Gomega) string {
		if err := t.replayer.Inject(pieces); err != nil {
			return err.Error() // the registrar has ended the association meanwhile
		}
		return t.settled(ctx, e.Node)
	})
	_, ended := e.Ended()
	gone, known := t.canaryGone(ctx, e.PE.ID)
	t.run.Oracle(ctx, "an element that has registered again did not disappear", func(_ context.Context, g gomega.Gomega) string {
		if ended {
			return "the association ended over the replayed deregistration" // after which an element has to come back
		}
		if known {
			g.Expect(gone).To(gomega.BeFalse(), "the deregistration that was replayed in the same association took element %s out of the pool, through %s", e.PE.ID, t.door)
		}
		return "the deregistration that was replayed in the same association had no effect"
	})
	e.Abort()
	if err := t.deregisterPE(ctx, e.PE); err != nil && !t.run.Instance.Pristine {
		t.run.Note("element %s could not be taken out again: %v", e.PE.ID, err)
	}
}

// afterRestart replays what was recorded before into a registrar that has been started again
// and remembers nothing: neither does it of what it has seen. The last part of the check,
// since it takes the honest nodes' associations away.
func (s *stage) afterRestart(ctx context.Context, recorded []*replayed, updates []*replayedUpdate) {
	r := s.run
	var restarted error
	s.element.Abort()
	s.view.Close(ctx)
	back := r.Canary(ctx, "the registrar is started again, and an element registers with it", func(ctx context.Context, g gomega.Gomega) string {
		if restarted = r.Instance.Restart(ctx); restarted != nil && !errors.Is(restarted, sut.ErrUnsupported) {
			g.Expect(restarted).NotTo(gomega.HaveOccurred(), "start again")
		}
		var err error
		s.element, err = s.again(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect and register the element again")
		s.view, err = r.World.OpenView(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the observers again")
		if restarted != nil {
			return restarted.Error()
		}
		return "it serves"
	})
	if !back {
		return
	}
	if restarted != nil {
		r.LessCertain("nothing could be replayed after a restart: " + restarted.Error())
		return
	}
	for _, t := range recorded {
		t.afterRestart(ctx)
	}
	for _, u := range updates {
		u.again(ctx, "after a restart")
	}
	s.canary(ctx)
}

func (t *replayed) afterRestart(ctx context.Context) {
	t.run.Attack(ctx, "replay the registration into the registrar that was started again, through "+t.door.String(), func(ctx context.Context, g gomega.Gomega) string {
		a := t.replayer.Replay(ctx, "the registration", t.session)
		g.Expect(a.Sent).To(gomega.BeTrue(), "%s", a)
		return a.String()
	})
	t.staysAway(ctx, "after a restart")
	t.deregistration(ctx, "after a restart")
	t.company.Leave()
}
