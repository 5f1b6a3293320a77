// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// replayedUpdate is a peer registrar whose path the attacker sits on.
type replayedUpdate struct {
	*stage
	door     script.Door
	replayer *attackers.Replayer
	peer     *actor.Peer
	pe       wire.PoolElement
	adding   [][]byte
	session  [][]byte // everything from the first byte to the addition
}

// replayUpdates replays updates of a peer: one that has been taken back since, and one that
// has been made up for. It returns what was recorded.
func (s *stage) replayUpdates(ctx context.Context) (recorded []*replayedUpdate) {
	if s.view.Peer() == nil {
		return nil
	}
	for _, door := range s.run.World.Doors(wire.ENRP) {
		u := &replayedUpdate{stage: s, door: door}
		u.record(ctx)
		u.same(ctx, "addition", u.adding)
		u.staysAway(ctx, "in the same association")
		u.peer.Abort()
		u.again(ctx, "in a new association")
		(&replayedUpdate{stage: s, door: door}).removal(ctx)
		recorded = append(recorded, u)
	}
	return recorded
}

// open connects the peer through the attacker's position.
func (u *replayedUpdate) open(ctx context.Context, g gomega.Gomega, id wire.ServerID) {
	u.replayer = &attackers.Replayer{Site: u.site(), Door: u.door}
	var err error
	u.peer, err = u.run.World.OpenPeer(ctx, actor.PeerSpec{Name: "peer on the path", ID: id, Door: u.door, Wrap: u.replayer.Position})
	g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the peer")
	at := u.peer.Info().Local.Addr()
	u.replayer.Local = func() netip.Addr { return at } // a node on the path can send from the peer's address
	u.pe = actor.NewPE(wire.PEID(u.run.Random()), at)
}

// update has the peer add or remove its element, and waits until that has been dealt with: an
// answer to a question behind it says so.
func (u *replayedUpdate) update(ctx context.Context, g gomega.Gomega, action wire.UpdateAction) {
	g.Expect(u.peer.Send(ctx, u.peer.Update(action, u.run.Instance.Pool, u.pe))).To(gomega.Succeed(), "update")
	_, err := u.peer.Servers(ctx)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "ask behind the update")
}

func (u *replayedUpdate) record(ctx context.Context) {
	u.run.Baseline(ctx, "a peer adds an element and removes it, and the attacker records it, through "+u.door.String(), func(ctx context.Context, g gomega.Gomega) string {
		u.open(ctx, g, pathPeerID)
		start := u.replayer.Mark()
		u.update(ctx, g, wire.AddPE)
		added := u.replayer.Mark()
		gone, err := u.gone(ctx, u.pe.ID)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve")
		g.Expect(gone).To(gomega.BeFalse(), "the peer's element is not in the pool")
		u.update(ctx, g, wire.DelPE)
		u.adding, u.session = u.replayer.Between(start, added), u.replayer.Between(0, added)
		g.Expect(u.adding).NotTo(gomega.BeEmpty(), "the attacker recorded nothing")
		return fmt.Sprintf("%d pieces recorded", len(u.session))
	})
}

// same replays an update into the association that it came over.
func (u *replayedUpdate) same(ctx context.Context, what string, pieces [][]byte) {
	u.run.Attack(ctx, fmt.Sprintf("replay the %s into the same association, through %s", what, u.door), func(ctx context.Context, _ gomega.Gomega) string {
		if err := u.replayer.Inject(pieces); err != nil {
			return err.Error() // the registrar has ended the association meanwhile
		}
		ctx, cancel := context.WithTimeout(ctx, u.run.Instance.Timers.Response)
		defer cancel()
		if _, err := u.peer.Servers(ctx); err != nil {
			return "the registrar did not go on with the association: " + err.Error()
		}
		return "the registrar went on with the association"
	})
}

// again replays the addition into a new association.
func (u *replayedUpdate) again(ctx context.Context, where string) {
	u.run.Attack(ctx, fmt.Sprintf("replay the addition %s, through %s", where, u.door), func(ctx context.Context, g gomega.Gomega) string {
		a := u.replayer.Replay(ctx, "the update", u.session)
		g.Expect(a.Sent).To(gomega.BeTrue(), "%s", a)
		return a.String()
	})
	u.staysAway(ctx, where)
	u.company.Leave()
}

// staysAway: the element that the peer has removed must not come back.
func (u *replayedUpdate) staysAway(ctx context.Context, where string) {
	gone, known := u.canaryGone(ctx, u.pe.ID)
	u.run.Oracle(ctx, "the element that a peer has removed did not come back", func(_ context.Context, g gomega.Gomega) string {
		if known {
			g.Expect(gone).To(gomega.BeTrue(), "the update that was replayed %s put element %s back into the pool", where, u.pe.ID)
		}
		return "the update that was replayed " + where + " had no effect"
	})
	if known && !gone {
		u.takeOut(ctx)
	}
}

// takeOut has the peer remove its element, so that the next attack has something to show.
func (u *replayedUpdate) takeOut(ctx context.Context) {
	del := u.peer.Update(wire.DelPE, u.run.Instance.Pool, u.pe)
	if u.peer.Send(ctx, del) == nil {
		return
	}
	peer, err := u.run.World.OpenPeer(ctx, actor.PeerSpec{Name: "peer on the path", ID: u.peer.ID, Door: u.door})
	if err == nil {
		defer peer.Close(ctx)
		if err = peer.Send(ctx, del); err == nil {
			_, err = peer.Servers(ctx) // an answer says that the removal has been seen
		}
	}
	if err != nil && !u.run.Instance.Pristine {
		u.run.Note("element %s could not be taken out again: %v", u.pe.ID, err)
	}
}

// returningPeerID is the peer's when it comes again: the registrar may not have seen yet that
// the association of the one before has ended.
const returningPeerID = pathPeerID + 1

// removal: an element that a peer has added again must not be removed by what was recorded
// when it was removed.
func (u *replayedUpdate) removal(ctx context.Context) {
	var removing, session [][]byte
	u.run.Baseline(ctx, "a peer adds, removes and again adds an element, through "+u.door.String(), func(ctx context.Context, g gomega.Gomega) string {
		u.open(ctx, g, returningPeerID)
		u.update(ctx, g, wire.AddPE)
		added := u.replayer.Mark()
		u.update(ctx, g, wire.DelPE)
		removed := u.replayer.Mark()
		removing, session = u.replayer.Between(added, removed), u.replayer.Between(0, removed)
		u.update(ctx, g, wire.AddPE)
		return "the element is in the pool"
	})
	defer u.peer.Abort()
	u.run.Attack(ctx, "replay the removal into a new association, through "+u.door.String(), func(ctx context.Context, g gomega.Gomega) string {
		a := u.replayer.Replay(ctx, "the removal", session)
		g.Expect(a.Sent).To(gomega.BeTrue(), "%s", a)
		return a.String()
	})
	u.stays(ctx, "in a new association")
	u.same(ctx, "removal", removing)
	if _, ended := u.peer.Ended(); !ended { // what the end of a peer brings about is another matter
		u.stays(ctx, "in the same association")
	}
	u.takeOut(ctx)
	u.company.Leave()
}

// stays: the element that the peer has added again must not disappear.
func (u *replayedUpdate) stays(ctx context.Context, where string) {
	gone, known := u.canaryGone(ctx, u.pe.ID)
	u.run.Oracle(ctx, "the element that a peer has added again did not disappear", func(_ context.Context, g gomega.Gomega) string {
		if known {
			g.Expect(gone).To(gomega.BeFalse(), "the removal that was replayed %s took element %s out of the pool", where, u.pe.ID)
		}
		return "the removal that was replayed " + where + " had no effect"
	})
}
