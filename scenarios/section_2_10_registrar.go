// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
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

// section2_10Registrar: Integrity, on the registrar.
//
// "a. ENRP response to pool handle resolution is corrupted during transmission. b. ENRP peer
// messages are corrupted during transmission. c. PE sends update for values and that
// information is corrupted during transmission. ... An integrity mechanism MUST be present.
// ... The interfaces that MUST implement integrity are PE to ENRP server and ENRP to ENRP
// server. The integrity mechanism in TLS is used for this."
func section2_10Registrar() []engine.Check {
	return []engine.Check{{
		ID: "2.10-tampering", Section: "2.10", Role: engine.Registrar,
		Title:        "A node on the path changes registrations, resolutions and messages of peers",
		Requirements: []string{"T2.10-R1", "T2.10-R2", "T2.10-R3"},
		Threat: reports.Threat{
			Attacker:     "a node on the path between the registrar and elements, users and peers, which holds no key",
			Precondition: "what was changed on the way is not taken for what was sent",
			Effect:       "users get addresses that nobody registered; the handlespaces of the registrars drift apart",
			Mitigation:   "The message authentication of TLS: a record that was changed ends its association.",
			Residual:     "A node on the path can still end every association, and keep parties from each other.",
		},
		Run: tampering,
	}}
}

// passage is one message on its way past a tamperer, and what came of it.
type passage struct {
	what      string
	direction attackers.Direction
	how       string
	effect    string // what the tampering brought about; "" for nothing
	ended     bool   // the association ended over it
}

func (p passage) String() string {
	outcome := "no effect"
	switch {
	case p.effect != "":
		outcome = p.effect
	case p.ended:
		outcome = "the association ended"
	}
	return fmt.Sprintf("%s, %s: %s", p.what, p.how, outcome)
}

// tamperings are the ways to change a message with field in it.
func tamperings(field []byte, offset, prefix int) []attackers.Tampering {
	return []attackers.Tampering{attackers.Flip(field, offset, prefix), attackers.Cut(), attackers.Swap(), attackers.Repeat()}
}

// The positions of tamperings.
const (
	flipped = iota
	cut
	swapped
	repeated
	allTamperings
)

func tampering(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	t := &tamperedPaths{stage: s}
	t.path(ctx)
	r.Attack(ctx, "change registrations of an element on their way, and the answers", func(ctx context.Context, g gomega.Gomega) string {
		return t.each(ctx, g, r.World.Doors(wire.ASAP), t.registration)
	})
	updates := t.end()
	r.Attack(ctx, "change the answers to resolutions on their way to a user", func(ctx context.Context, g gomega.Gomega) string {
		return t.each(ctx, g, r.World.Doors(wire.ASAP), t.resolution)
	})
	resolutions := t.end()
	var peers []passage
	if s.view.Peer() != nil {
		r.Attack(ctx, "change updates and handle tables on their way between registrars", func(ctx context.Context, g gomega.Gomega) string {
			return t.each(ctx, g, r.World.Doors(wire.ENRP)[:1], t.peerMessage)
		})
		peers = t.end()
	}
	var agreed []string
	if r.Instance.Security == sut.Secured {
		agreed = nullIntegrity(ctx, r)
	}
	s.canary(ctx)
	r.Oracle(ctx, "no resolution was changed", func(_ context.Context, g gomega.Gomega) string {
		return withoutEffect(g, "resolutions", resolutions)
	}, "T2.10-R1", "T2.10-R3")
	r.Oracle(ctx, "no registration was changed", func(_ context.Context, g gomega.Gomega) string {
		return withoutEffect(g, "registrations", updates)
	})
	if len(peers) > 0 {
		r.Oracle(ctx, "no message between registrars was changed", func(_ context.Context, g gomega.Gomega) string {
			return withoutEffect(g, "messages between registrars", peers)
		})
	}
	if r.Instance.Security == sut.Secured {
		r.Oracle(ctx, "a cipher suite without integrity is refused", func(_ context.Context, g gomega.Gomega) string {
			g.Expect(agreed).To(gomega.BeEmpty(), "the registrar agrees to TLS_NULL_WITH_NULL_NULL at %s", strings.Join(agreed, ", "))
			return "TLS_NULL_WITH_NULL_NULL is refused"
		})
	}
}

func withoutEffect(g gomega.Gomega, what string, passages []passage) string {
	ended := 0
	for _, p := range passages {
		g.Expect(p.effect).To(gomega.BeEmpty(), "%s", p)
		if p.ended {
			ended++
		}
	}
	return fmt.Sprintf("%d %s were tampered with, %d associations ended over it, none had an effect", len(passages), what, ended)
}

// tamperedPaths makes the passages.
type tamperedPaths struct {
	*stage
	made []passage
}

// end returns the passages since the last time.
func (t *tamperedPaths) end() []passage {
	made := t.made
	t.made = nil
	return made
}

// path is the control experiment: an honest element registers and leaves through a tamperer
// that does nothing.
func (t *tamperedPaths) path(ctx context.Context) {
	t.run.Baseline(ctx, "an element registers and leaves through the attacker, who changes nothing", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range t.run.World.Doors(wire.ASAP) {
			tamperer := &attackers.Tamperer{}
			e, err := t.run.World.OpenElement(ctx, actor.Spec{Name: "pe on the path", Door: door, ID: wire.PEID(t.run.Random()), Wrap: tamperer.Position})
			g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the element through %s", door)
			defer e.Close(ctx)
			g.Expect(e.Register(ctx)).To(gomega.Succeed(), "register through %s", door)
			g.Expect(e.Deregister(ctx)).To(gomega.Succeed(), "deregister through %s", door)
		}
		return "it is registered and deregistered"
	})
}

// each makes every passage at every door: both directions, all ways to tamper.
func (t *tamperedPaths) each(ctx context.Context, g gomega.Gomega, doors []script.Door,
	try func(context.Context, script.Door, attackers.Direction, int) (passage, error),
) string {
	from := len(t.made)
	for _, door := range doors {
		for _, direction := range []attackers.Direction{attackers.Sent, attackers.Received} {
			for how := range allTamperings {
				p, err := try(ctx, door, direction, how)
				g.Expect(err).NotTo(gomega.HaveOccurred(), "tamper with what is %s through %s", direction, door)
				if p.what != "" {
					t.made = append(t.made, p)
				}
			}
		}
	}
	lines := sentences(t.made[from:])
	g.Expect(lines).NotTo(gomega.BeEmpty(), "nothing passed the attacker")
	return strings.Join(lines, "; ")
}

func sentences(passages []passage) []string {
	lines := make([]string, 0, len(passages))
	for _, p := range passages {
		lines = append(lines, p.String())
	}
	return lines
}

// nullIntegrity offers the one cipher suite without integrity that there is, and names the
// doors that agree to it.
func nullIntegrity(ctx context.Context, r *engine.Run) (agreed []string) {
	haggler := attackers.Haggler{Site: site(r)}
	r.Attack(ctx, "offer TLS_NULL_WITH_NULL_NULL only: no suite encrypts and has no integrity", func(ctx context.Context, g gomega.Gomega) string {
		var attempts []attackers.Attempt
		for _, door := range slices.Concat(haggler.Secured(wire.ASAP), haggler.Secured(wire.ENRP)) {
			_, ok, a := haggler.Offer(ctx, door, attackers.NullWithNull)
			if ok {
				agreed = append(agreed, door.String())
			}
			attempts = append(attempts, a)
		}
		return attempted(g, attempts, nil)
	})
	return agreed
}

// through sends first past the tamperer, then the others and question, and returns what came
// back before the answer to question, in its order, and whether the association ended.
func through(ctx context.Context, patience time.Duration, n *script.Node, t *attackers.Tamperer, direction attackers.Direction, how attackers.Tampering,
	first wire.Message, others []wire.Message, question wire.Message, answer func(wire.Message) bool,
) (heard []wire.Message, ended bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// Nothing else may be under way, such as what TLS still has to say after its handshake.
	if _, err := n.Request(ctx, question, answer); err != nil {
		return nil, false, err
	}
	t.Tamper(direction, how)
	if err := n.Send(ctx, first); err != nil && len(t.Done()) == 0 { // otherwise it may be over already
		return nil, false, err
	}
	if err := t.Await(ctx, 0); err != nil {
		return nil, false, err
	}
	for _, m := range append(others, question) {
		if err := n.Send(ctx, m); err != nil {
			break // the far end did not like the first one
		}
	}
	for {
		m, err := n.Await(ctx, func(wire.Message) bool { return true })
		switch {
		case errors.Is(err, script.ErrEnded):
			return heard, true, nil
		case err != nil:
			return heard, false, nil // it says nothing any more, which is no effect either
		case answer(m):
			return append(heard, m), false, nil
		}
		heard = append(heard, m)
	}
}

// where finds field in m as this system is spoken to.
func (s *stage) where(m wire.Message, field []byte) int {
	b, err := m.Append(nil, &s.run.Instance.Wire)
	if err != nil {
		return 0
	}
	return max(0, bytes.LastIndex(b, field))
}

func octets(id wire.PEID) []byte { return binary.BigEndian.AppendUint32(nil, uint32(id)) }

// turned is what becomes of an identifier whose last bit is flipped.
func turned(id wire.PEID) wire.PEID { return id ^ 1 }
