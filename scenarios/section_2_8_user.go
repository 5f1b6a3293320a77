// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_8User: Malicious node performs a replay attack, on pool users.
func section2_8User() []engine.Check {
	return []engine.Check{{
		ID: "2.8-replayed-resolutions", Section: "2.8", Role: engine.PoolUser, Rung: 1, Security: sut.Secured,
		Title:        "A node on the path plays an old resolution to a pool user",
		Requirements: []string{"T2.8-R1", "T2.8-R2"},
		Threat: reports.Threat{
			Attacker:     "a node on the path between a registrar and a pool user, which reads and sends but holds no key",
			Precondition: "what was answered once is no answer when it is sent again",
			Effect:       "the user goes on with elements that have left the pool, or whose addresses somebody else has now",
			Mitigation:   "the record numbers of TLS within an association, and its random numbers across associations",
			Residual:     "a user may keep an answer as long as its cache does, whatever has changed since",
		},
		Run: replayedResolutions,
	}}
}

// tapedUser is a user whose path to its first registrar the attacker sits on. A second
// registrar is held back until the replay is over.
type tapedUser struct {
	*userStage
	taper         attackers.Taper
	first, second *actor.Registrar
	gate          *actor.Gate
	places        [2]sut.Place
	old, now      wire.PoolElement       // in the pool when the attacker recorded, and after
	asked         atomic.Pointer[func()] // called by the next question
}

func replayedResolutions(ctx context.Context, r *engine.Run) {
	s := setUser(r)
	defer s.leave()
	t := &tapedUser{userStage: s, gate: actor.NewGate(), old: s.absent(r.Instance.Local()), now: s.absent(r.Instance.Local())}
	t.open(ctx)
	user := t.start(ctx, t.spec(t.places[:]...))
	tape := t.record(ctx, user)
	t.first.SetMembers(t.now)
	t.sameAssociation(ctx, user, tape[len(tape)-1:])
	t.stop(ctx, user)
	t.newAssociation(ctx, tape)
}

func (t *tapedUser) open(ctx context.Context) {
	t.run.Baseline(ctx, "two registrars wait for users", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		for n := range t.places {
			t.places[n], err = t.place(n)
			g.Expect(err).NotTo(gomega.HaveOccurred())
		}
		t.first, err = t.registrar(ctx, t.places[0], actor.RegistrarSpec{
			Wrap: t.taper.Position, Members: []wire.PoolElement{t.old}, Intercept: t.question,
		})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the first registrar")
		t.second, err = t.registrar(ctx, t.places[1], actor.RegistrarSpec{
			Name: "registrar second", Gate: t.gate, Members: []wire.PoolElement{t.now},
		})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the second registrar")
		return "they are at " + places(t.places[:])
	})
}

// question has the attacker replay before the registrar answers.
func (t *tapedUser) question(_ *script.Node, m wire.Message) bool {
	if isResolution(m) {
		if f := t.asked.Swap(nil); f != nil {
			(*f)()
		}
	}
	return false
}

func isResolution(m wire.Message) bool {
	_, ok := m.(*wire.HandleResolution)
	return ok
}

// record returns what the registrar has sent up to an answer, which comes last.
func (t *tapedUser) record(ctx context.Context, user sut.UserNode) attackers.Tape {
	var tape attackers.Tape
	t.run.Baseline(ctx, "the user resolves and the attacker records it", func(ctx context.Context, g gomega.Gomega) string {
		ctx, cancel := context.WithTimeout(ctx, t.run.Instance.Timers.Response)
		defer cancel()
		for known := range 2 {
			members, err := user.Resolve(ctx)
			g.Expect(err).NotTo(gomega.HaveOccurred())
			g.Expect(has(members, t.old.ID)).To(gomega.BeTrue(), "the user got %s", memberList(members))
			_, _, err = t.first.Await(ctx, known, isResolution)
			g.Expect(err).NotTo(gomega.HaveOccurred(), "the user does not ask for each resolution, so that it hears no replay")
		}
		tape = t.taper.Latest()
		g.Expect(tape).NotTo(gomega.BeEmpty(), "the attacker recorded nothing")
		return fmt.Sprintf("it gets %s; %d pieces recorded", t.old.ID, len(tape))
	})
	return tape
}

// sameAssociation plays an answer once more, before the new one.
func (t *tapedUser) sameAssociation(ctx context.Context, user sut.UserNode, answer attackers.Tape) {
	var asking *resolving
	t.run.Attack(ctx, "play an old answer in the same association, before the new one", func(ctx context.Context, g gomega.Gomega) string {
		replayed := make(chan error, 1)
		replay := func() { replayed <- t.taper.Inject(answer) }
		t.asked.Store(&replay)
		t.gate.Open() // for the user to turn to when the association does not survive
		asking = resolve(context.WithoutCancel(ctx), user)
		ctx, cancel := context.WithTimeout(ctx, t.run.Instance.Timers.Response)
		defer cancel()
		select {
		case err := <-replayed:
			g.Expect(err).NotTo(gomega.HaveOccurred())
		case <-ctx.Done():
			g.Expect(ctx.Err()).NotTo(gomega.HaveOccurred(), "the user does not ask")
		}
		return fmt.Sprintf("%d pieces replayed", len(answer))
	})
	t.notTaken(ctx, asking, "in the same association")
}

// newAssociation plays the whole of an association to a user that comes anew.
func (t *tapedUser) newAssociation(ctx context.Context, tape attackers.Tape) {
	var asking *resolving
	t.run.Attack(ctx, "play a whole association to who comes anew", func(ctx context.Context, g gomega.Gomega) string {
		t.gate.Shut()
		t.taper.Play(tape)
		known := t.first.Attempts()
		user, err := t.user(ctx, t.spec(t.places[:]...))
		g.Expect(err).NotTo(gomega.HaveOccurred(), "start a user")
		asking = resolve(context.WithoutCancel(ctx), user)
		coming, cancel := context.WithTimeout(ctx, t.run.Instance.Timers.Response)
		defer cancel()
		g.Expect(t.first.AwaitAttempt(coming, known)).To(gomega.Succeed(), "the user comes and goes")
		t.gate.Open()
		_, played := t.taper.Replayed()
		g.Expect(played).NotTo(gomega.BeZero(), "nobody heard the tape")
		return fmt.Sprintf("%d pieces played", played)
	})
	t.notTaken(ctx, asking, "in a new association")
}

// notTaken: the user gets what the registrars say now.
func (t *tapedUser) notTaken(ctx context.Context, asking *resolving, where string) {
	members, ok := t.resolves(ctx, asking)
	t.run.Oracle(ctx, "the old answer is not taken", func(_ context.Context, g gomega.Gomega) string {
		if ok {
			g.Expect(has(members, t.old.ID)).To(gomega.BeFalse(), "the user takes an answer that was replayed %s: it gets %s", where, memberList(members))
		}
		return "the answer that was replayed " + where + " had no effect"
	})
}
