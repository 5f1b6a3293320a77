// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/scenarios/actor"
	"github.com/rspthreat/rspthreat/sut"
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

// replayedUpdate is a peer registrar whose path the attacker sits on.
type replayedUpdate struct {
	*stage
	replayer *attackers.Replayer
	peer     *actor.Peer
	id       wire.PEID
	adding   [][]byte
	session  [][]byte // everything from the first byte to the update
}

// replayUpdates replays an update of a peer that has been taken back.
func (s *stage) replayUpdates(ctx context.Context) {
	if s.view.Peer() == nil {
		return
	}
	door := s.run.World.Doors(wire.ENRP)[0]
	u := &replayedUpdate{stage: s, replayer: &attackers.Replayer{Site: s.site(), Door: door}, id: wire.PEID(s.run.Random())}
	u.record(ctx)
	s.run.Attack(ctx, "replay the update of a peer into the same association", func(ctx context.Context, _ gomega.Gomega) string {
		if err := u.replayer.Inject(u.adding); err != nil {
			return err.Error() // the registrar has ended the association meanwhile
		}
		ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Response)
		defer cancel()
		if _, err := u.peer.Servers(ctx); err != nil {
			return "the registrar did not go on with the association: " + err.Error()
		}
		return "the registrar went on with the association"
	})
	u.staysAway(ctx, "in the same association")
	u.peer.Abort()
	s.run.Attack(ctx, "replay the update of a peer into a new association", func(ctx context.Context, g gomega.Gomega) string {
		a := u.replayer.Replay(ctx, "the update", u.session)
		g.Expect(a.Sent).To(gomega.BeTrue(), "%s", a)
		return a.String()
	})
	u.staysAway(ctx, "in a new association")
	s.company.Leave()
}

func (u *replayedUpdate) record(ctx context.Context) {
	u.run.Baseline(ctx, "a peer adds an element and removes it, and the attacker records it", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		u.peer, err = u.run.World.OpenPeer(ctx, actor.PeerSpec{Name: "peer on the path", ID: pathPeerID, Wrap: u.replayer.Position})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the peer")
		at := u.peer.Info().Local.Addr()
		u.replayer.Local = func() netip.Addr { return at } // a node on the path can send from the peer's address
		pe := actor.NewPE(u.id, at)
		from := u.replayer.Mark()
		g.Expect(u.peer.Send(ctx, u.peer.Update(wire.AddPE, u.run.Instance.Pool, pe))).To(gomega.Succeed(), "add an element")
		to := u.replayer.Mark()
		_, err = u.peer.Servers(ctx) // the answer says that the update has been dealt with
		g.Expect(err).NotTo(gomega.HaveOccurred(), "ask behind the update")
		gone, err := u.gone(ctx, u.id)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve")
		g.Expect(gone).To(gomega.BeFalse(), "the peer's element is not in the pool")
		g.Expect(u.peer.Send(ctx, u.peer.Update(wire.DelPE, u.run.Instance.Pool, pe))).To(gomega.Succeed(), "remove the element")
		_, err = u.peer.Servers(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "ask behind the update")
		u.adding, u.session = u.replayer.Between(from, to), u.replayer.Between(0, to)
		g.Expect(u.adding).NotTo(gomega.BeEmpty(), "the attacker recorded nothing")
		return fmt.Sprintf("%d pieces recorded", len(u.session))
	})
}

// staysAway: the element that the peer has removed must not come back.
func (u *replayedUpdate) staysAway(ctx context.Context, where string) {
	t := &replayed{stage: u.stage}
	gone, known := t.canaryGone(ctx, u.id)
	u.run.Oracle(ctx, "the element that a peer has removed did not come back", func(_ context.Context, g gomega.Gomega) string {
		if known {
			g.Expect(gone).To(gomega.BeTrue(), "the update that was replayed %s put element %s back into the pool", where, u.id)
		}
		return "the update that was replayed " + where + " had no effect"
	})
	if known && !gone {
		(&tamperedPaths{stage: u.stage}).retract(ctx, u.peer.Update(wire.DelPE, u.run.Instance.Pool, actor.NewPE(u.id, u.replayer.Local())), u.id)
	}
}

// afterRestart replays what was recorded before into a registrar that has been started again
// and remembers nothing: neither does it of what it has seen. The last part of the check,
// since it takes the honest nodes' associations away.
func (s *stage) afterRestart(ctx context.Context, recorded []*replayed) {
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
	s.canary(ctx)
}

func (t *replayed) afterRestart(ctx context.Context) {
	t.run.Attack(ctx, "replay the registration into the registrar that was started again, through "+t.door.String(), func(ctx context.Context, g gomega.Gomega) string {
		a := t.replayer.Replay(ctx, "the registration", t.session)
		g.Expect(a.Sent).To(gomega.BeTrue(), "%s", a)
		return a.String()
	})
	t.staysAway(ctx, "after a restart")
	t.company.Leave()
}
