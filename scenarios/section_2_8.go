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
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_8: Malicious node performs a replay attack.
//
// "The protocol MUST prevent replay attacks. The replay attack prevention mechanism in TLS
// meets this requirement."
func section2_8() []engine.Check {
	return []engine.Check{{
		ID: "2.8-replay", Section: "2.8", Role: engine.Registrar,
		Wanted:       sut.Wanted{Patient: true},
		Title:        "A node on the path replays registrations, deregistrations and updates",
		Requirements: []string{"T2.8-R1", "T2.8-R2"},
		Threat: reports.Threat{
			Attacker:     "a node on the path between an element and its registrar, which reads and sends but holds no key",
			Precondition: "what was sent once has no effect when it is sent again",
			Effect:       "elements that have left come back, elements that serve disappear",
			Mitigation:   "TLS numbers its records and makes new keys for each session; early data, which it does not protect, is not taken.",
			Residual:     "A replayed record ends the association that it is put into, as anything on the path can.",
		},
		Run: replay,
	}}
}

func replay(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	var recorded []*replayed
	for _, door := range r.World.Doors(wire.ASAP) {
		t := &replayed{stage: s, door: door, replayer: &attackers.Replayer{Site: s.site(), Door: door}}
		t.record(ctx)
		t.registration(ctx)
		t.deregistration(ctx, "into a new association")
		if door.Secured {
			t.earlyData(ctx)
		}
		t.leavingAgain(ctx)
		recorded = append(recorded, t)
	}
	updates := s.replayUpdates(ctx)
	s.canary(ctx)
	s.afterRestart(ctx, recorded, updates)
}

// replayed is an element whose path the attacker sits on.
type replayed struct {
	*stage
	door     script.Door
	replayer *attackers.Replayer
	element  *actor.Element

	registering   [][]byte // what the element sent to register
	deregistering [][]byte
	session       [][]byte // everything from the first byte to the registration
}

// open connects the element through the attacker's position.
func (t *replayed) open(ctx context.Context) (*actor.Element, error) {
	return t.run.World.OpenElement(ctx, actor.Spec{
		Name: "pe on the path", Door: t.door, ID: wire.PEID(t.run.Random()), Wrap: t.replayer.Position,
	})
}

func (t *replayed) record(ctx context.Context) {
	t.run.Baseline(ctx, fmt.Sprintf("an element registers and deregisters through %s, and the attacker records it", t.door), func(ctx context.Context, g gomega.Gomega) string {
		var err error
		t.element, err = t.open(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the element")
		// A node on the path can send from the element's address.
		at := t.element.Info().Local.Addr()
		t.replayer.Local = func() netip.Addr { return at }
		start := t.replayer.Mark()
		g.Expect(t.element.Register(ctx)).To(gomega.Succeed(), "register")
		registered := t.replayer.Mark()
		g.Expect(t.element.Deregister(ctx)).To(gomega.Succeed(), "deregister")
		t.registering = t.replayer.Between(start, registered)
		t.session = t.replayer.Between(0, registered)
		t.deregistering = t.replayer.Between(registered, t.replayer.Mark())
		g.Expect(t.registering).NotTo(gomega.BeEmpty(), "the attacker recorded nothing")
		return fmt.Sprintf("%d pieces recorded", len(t.session)+len(t.deregistering))
	})
}

// registration replays the registration of an element that has left, into the association
// that it came over and into a new one.
func (t *replayed) registration(ctx context.Context) {
	t.run.Attack(ctx, "replay the registration into the same association, through "+t.door.String(), func(ctx context.Context, _ gomega.Gomega) string {
		if err := t.replayer.Inject(t.registering); err != nil {
			return err.Error() // the registrar has ended the association meanwhile
		}
		return t.settled(ctx, t.element.Node)
	})
	t.staysAway(ctx, "in the same association")
	t.element.Abort()
	t.run.Attack(ctx, "replay the registration into a new association, through "+t.door.String(), func(ctx context.Context, g gomega.Gomega) string {
		a := t.replayer.Replay(ctx, "the registration", t.session)
		g.Expect(a.Sent).To(gomega.BeTrue(), "%s", a)
		return a.String()
	})
	t.staysAway(ctx, "in a new association")
	t.company.Leave()
}

// staysAway: the element that has left must not come back. If it did, it is taken out
// again, so that the next attack has something to show.
func (t *replayed) staysAway(ctx context.Context, where string) {
	id := t.element.PE.ID
	gone, known := t.canaryGone(ctx, id)
	t.run.Oracle(ctx, "the element that has left did not come back", func(_ context.Context, g gomega.Gomega) string {
		if known {
			g.Expect(gone).To(gomega.BeTrue(), "the registration that was replayed %s put element %s back into the pool, through %s", where, id, t.door)
		}
		return "the registration that was replayed " + where + " had no effect"
	})
	if known && !gone {
		if err := t.deregisterPE(ctx, t.element.PE); err != nil {
			t.run.Note("the replayed element could not be taken out again: %v", err)
		}
	}
}

// deregistration replays a deregistration after the same element has registered again, with
// a new association, as after a restart of the element.
func (t *replayed) deregistration(ctx context.Context, where string) {
	id := t.element.PE.ID
	var again *actor.Element
	t.run.Baseline(ctx, "the element registers again, over a new association", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		again, err = t.run.World.OpenElement(ctx, actor.Spec{Name: "pe on the path", Door: t.door, ID: id})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the element")
		g.Expect(again.Register(ctx)).To(gomega.Succeed(), "register")
		return "it is registered"
	})
	defer again.Close(ctx)
	t.run.Attack(ctx, fmt.Sprintf("replay the deregistration %s, through %s", where, t.door), func(ctx context.Context, g gomega.Gomega) string {
		pieces := t.deregistering
		if t.door.Secured { // a registrar listens to nothing but a whole session
			pieces = append(append([][]byte(nil), t.session...), t.deregistering...)
		}
		a := t.replayer.Replay(ctx, "the deregistration", pieces)
		g.Expect(a.Sent).To(gomega.BeTrue(), "%s", a)
		return a.String()
	})
	gone, known := t.canaryGone(ctx, id)
	t.run.Oracle(ctx, "the element that serves did not disappear", func(_ context.Context, g gomega.Gomega) string {
		if known {
			g.Expect(gone).To(gomega.BeFalse(), "the deregistration that was replayed %s took element %s out of the pool, through %s", where, id, t.door)
		}
		return "the replayed deregistration had no effect"
	})
	_ = again.Deregister(ctx) // tidying up; the attack may have done it
}

// settled waits until the registrar has dealt with what was injected: it ends the
// association, or answers a question that is asked behind it.
func (t *replayed) settled(ctx context.Context, n *script.Node) string {
	ctx, cancel := context.WithTimeout(ctx, t.run.Instance.Timers.Response)
	defer cancel()
	if _, err := (&actor.User{Node: n}).Resolve(ctx, attackers.Probe); err != nil {
		if _, ended := n.Ended(); ended {
			return "the registrar ended the association"
		}
		return "the registrar was silent: " + err.Error()
	}
	return "the registrar went on with the association"
}

func (s *stage) canaryGone(ctx context.Context, id wire.PEID) (gone, known bool) {
	s.run.Canary(ctx, "a pool user resolves the pool", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		gone, err = s.gone(ctx, id)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve")
		known = true
		return fmt.Sprintf("element %s is in the pool: %t", id, !gone)
	})
	return gone, known
}

// earlyData: the one part of a TLS session that can be replayed must not be accepted, or
// must have no effect when it is replayed.
func (t *replayed) earlyData(ctx context.Context) {
	key := t.run.Instance.Credentials.Element
	pe := actor.NewPE(wire.PEID(t.run.Random()), t.replayer.Local())
	var accepted, gone, known bool
	t.run.Attack(ctx, "send a registration as early data and replay it, through "+t.door.String(), func(ctx context.Context, g gomega.Gomega) string {
		payload, err := wire.Encode(&wire.Registration{PoolHandle: []byte(t.run.Instance.Pool), Element: pe})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "encode")
		var flight [][]byte
		flight, accepted, err = t.replayer.EarlyData(ctx, actor.PSKConfig(key), payload)
		if !accepted {
			if err != nil {
				return "no TLS 1.3 session with early data: " + err.Error()
			}
			return "the registrar does not accept early data"
		}
		g.Expect(err).NotTo(gomega.HaveOccurred(), "early data")
		if err := t.deregisterPE(ctx, pe); err != nil {
			return "early data accepted, but the element could not be deregistered: " + err.Error()
		}
		return t.replayer.Replay(ctx, "the early data", flight).String()
	})
	if accepted {
		gone, known = t.canaryGone(ctx, pe.ID)
	}
	t.run.Oracle(ctx, "early data is not accepted, or has no second effect", func(_ context.Context, g gomega.Gomega) string {
		if !accepted {
			return "early data is not accepted"
		}
		if known {
			g.Expect(gone).To(gomega.BeTrue(), "early data is accepted, and its replay put element %s back into the pool, through %s", pe.ID, t.door)
		}
		return "the replayed early data had no effect"
	})
}

func (t *replayed) deregisterPE(ctx context.Context, pe wire.PoolElement) error {
	e, err := t.run.World.OpenElement(ctx, actor.Spec{Name: "pe on the path", Door: t.door, ID: pe.ID})
	if err != nil {
		return err
	}
	defer e.Close(ctx)
	return e.Deregister(ctx)
}
