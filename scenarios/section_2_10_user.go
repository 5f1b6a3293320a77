// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"bytes"
	"context"
	"fmt"
	"strings"
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

// section2_10User: Integrity, of the answers that pool users get.
func section2_10User() []engine.Check {
	return []engine.Check{{
		ID: "2.10-tampered-resolutions", Section: "2.10", Role: engine.PoolUser, Rung: 1, Security: sut.Secured,
		Title:        "A node on the path changes the answers to a pool user",
		Requirements: []string{"T2.10-R1", "T2.10-R3"},
		Threat: reports.Threat{
			Attacker:     "a node on the path between a registrar and a pool user, which holds no key",
			Precondition: "an answer that was changed on the way is not taken",
			Effect:       "the user goes to an address that no element has, or that is the attacker's",
			Mitigation:   "the message authentication of TLS: a record that was changed ends its association",
			Residual:     "a node on the path can still keep the user from every registrar",
		},
		Run: tamperedResolutions,
	}}
}

// tamperedUser is a user whose path to its first registrar has a tamperer on it.
type tamperedUser struct {
	*userStage
	tamperer      attackers.Tamperer
	first, second *actor.Registrar
	gate          *actor.Gate
	places        [2]sut.Place
	member        wire.PoolElement
	twice         atomic.Bool // the first registrar answers each question twice
}

func tamperedResolutions(ctx context.Context, r *engine.Run) {
	s := setUser(r)
	defer s.leave()
	t := &tamperedUser{userStage: s, gate: actor.NewGate(), member: s.absent(r.Instance.Local())}
	t.open(ctx)
	user := t.start(ctx, t.spec(t.places[:]...))
	t.stop(ctx, user)
	var wrong []string
	for how := range allTamperings {
		effect, ok := t.pass(ctx, how)
		if effect != "" {
			wrong = append(wrong, effect)
		}
		if !ok {
			break // nothing can be said of the others any more
		}
	}
	t.first.Close()
	agreed := s.downgraded(ctx, t.places, t.gate, attackers.NullWithNull)
	r.Oracle(ctx, "no answer that was changed is taken", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(wrong).To(gomega.BeEmpty(), "%s", strings.Join(wrong, "; "))
		return "the user takes no answer that was changed"
	})
	r.Oracle(ctx, "a cipher suite without integrity is refused", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(agreed).To(gomega.BeEmpty(), "the user goes on with %s", strings.Join(agreed, ", "))
		return "TLS_NULL_WITH_NULL_NULL is refused"
	})
}

func (t *tamperedUser) open(ctx context.Context) {
	t.run.Baseline(ctx, "two registrars wait for users", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		for n := range t.places {
			t.places[n], err = t.place(n)
			g.Expect(err).NotTo(gomega.HaveOccurred())
		}
		t.first, err = t.registrar(ctx, t.places[0], actor.RegistrarSpec{
			Wrap: t.tamperer.Position, Members: []wire.PoolElement{t.member},
			Intercept: func(n *script.Node, m wire.Message) bool {
				if t.twice.Load() && isResolution(m) {
					_ = n.Send(context.WithoutCancel(ctx), t.answer()) // what comes of it shows in what the user gets
				}
				return false
			},
		})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the first registrar")
		t.second, err = t.registrar(ctx, t.places[1], actor.RegistrarSpec{
			Name: "registrar second", Gate: t.gate, Members: []wire.PoolElement{t.member},
		})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the second registrar")
		return "they are at " + places(t.places[:])
	})
}

// answer is what the first registrar answers.
func (t *tamperedUser) answer() *wire.HandleResolutionResponse {
	return &wire.HandleResolutionResponse{
		PoolHandle: []byte(t.run.Instance.Pool), Policy: t.member.Policy, HasPolicy: true, Elements: []wire.PoolElement{t.member},
	}
}

// pass has one answer changed on its way to a user that comes anew, and tells what is wrong
// with what the user then has. Not ok: nothing is known.
func (t *tamperedUser) pass(ctx context.Context, how int) (effect string, ok bool) {
	r := t.run
	t.gate.Shut()
	t.twice.Store(false)
	var user sut.UserNode
	var change attackers.Tampering
	r.Baseline(ctx, "a user resolves at the first registrar", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		user, err = t.user(ctx, t.spec(t.places[:]...))
		g.Expect(err).NotTo(gomega.HaveOccurred(), "start a user")
		known := len(t.first.Heard())
		ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
		defer cancel()
		members, err := user.Resolve(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		g.Expect(has(members, t.member.ID)).To(gomega.BeTrue(), "the user got %s", memberList(members))
		heard, _, err := t.first.Await(ctx, known, isResolution)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		address := t.member.User.Addrs[0].AsSlice()
		b, err := t.answer().Append(nil, &r.Instance.Wire)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "encode")
		prefix := attackers.RecordPrefix(heard.Node.Info().TLS)
		change = tamperings(address, bytes.Index(b, address), prefix)[how]
		return "it gets " + memberList(members)
	})
	defer t.stop(ctx, user)
	var asking *resolving
	r.Attack(ctx, "the next answer: "+change.What, func(ctx context.Context, g gomega.Gomega) string {
		known := len(t.tamperer.Done())
		t.twice.Store(how == swapped || how == cut) // what follows on a record that was cut shows that it was
		t.tamperer.Tamper(attackers.Sent, change)
		t.gate.Open() // for the user to turn to when the association does not survive
		asking = resolve(context.WithoutCancel(ctx), user)
		ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
		defer cancel()
		g.Expect(t.tamperer.Await(ctx, known)).To(gomega.Succeed())
		_, _ = t.turned(ctx, asking) // what became of it is for the canary to say
		return t.tamperer.Done()[known].String()
	})
	members, ok := t.resolves(ctx, asking)
	for _, m := range members {
		if honest := t.member.User; m.ID != t.member.ID || m.Addr.Addr() != honest.Addrs[0] || m.Addr.Port() != honest.Port {
			return fmt.Sprintf("%s: the user gets %s instead of %s", change.What, memberList(members), t.member.ID), ok
		}
	}
	return "", ok
}

// downgraded has users meet a node that chooses suites without protection, and names those
// that they go on with. Nobody else is at places[0]; at places[1] is an honest registrar,
// behind gate.
func (s *userStage) downgraded(ctx context.Context, places [2]sut.Place, gate *actor.Gate, suites ...uint16) (agreed []string) {
	for _, suite := range suites {
		gate.Shut()
		var asking *resolving
		s.run.Attack(ctx, fmt.Sprintf("choose cipher suite %04x for a user", suite), func(ctx context.Context, g gomega.Gomega) string {
			honest, err := s.certificate(places[0])
			g.Expect(err).NotTo(gomega.HaveOccurred(), "certificate")
			at := places[0]
			d, err := attackers.Downgrade(ctx, script.Door{
				Protocol: wire.ASAP, Transport: at.Transport, Addr: at.Addr, EncapsulationPort: at.EncapsulationPort,
			}, suite, honest.Certificate, string(s.run.Instance.Role), s.run.World.Recorder)
			g.Expect(err).NotTo(gomega.HaveOccurred(), "open the attacker's door")
			defer d.Close()
			user, err := s.user(ctx, s.spec(at, places[1]))
			g.Expect(err).NotTo(gomega.HaveOccurred(), "start a user")
			asking = resolve(context.WithoutCancel(ctx), user)
			ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Response)
			defer cancel()
			out, err := d.Await(ctx, 0)
			g.Expect(err).NotTo(gomega.HaveOccurred())
			if out.GoesOn {
				agreed = append(agreed, fmt.Sprintf("cipher suite %04x", suite))
			}
			return out.Answer
		})
		gate.Open()
		if _, ok := s.resolves(ctx, asking); !ok {
			break
		}
	}
	return agreed
}
