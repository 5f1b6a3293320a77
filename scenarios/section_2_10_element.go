// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// section2_10Element: Integrity.
//
// "An integrity mechanism MUST be present. [...] The interfaces that MUST implement
// integrity are PE to ENRP server and ENRP to ENRP server. The integrity mechanism in TLS is
// used for this."
func section2_10Element() []engine.Check {
	return []engine.Check{{
		ID: "2.10-pe-tampering", Section: "2.10", Role: engine.PoolElement,
		Title:        "A node on the path changes what the registrar says to the element",
		Requirements: []string{"T2.10-R1", "T2.10-R2", "T2.10-R3"},
		Threat: reports.Threat{
			Attacker:     "a node on the path between the element and its registrar, which holds no key",
			Precondition: "what was changed on the way is not taken for what was sent",
			Effect:       "the element obeys a registrar that never said so, or believes that it is registered when it is not",
			Mitigation:   "The message authentication of TLS: a record that was changed ends its association.",
			Residual:     "A node on the path can still end every association, and keep the element from its registrar.",
		},
		Applies: needsElementKey, Run: tamperWithRegistrar,
	}}
}

func tamperWithRegistrar(ctx context.Context, r *engine.Run) {
	onPath := &paths[*attackers.Tamperer]{open: func() (*attackers.Tamperer, func(net.Conn) net.Conn) {
		tamperer := &attackers.Tamperer{}
		return tamperer, tamperer.Position
	}}
	responses := &tamperedResponse{onPath: onPath}
	s := setElement(ctx, r, func(s *elementStage) {
		s.registrar.Wrap = onPath.position
		s.registrar.Intercept = func(n *script.Node, m wire.Message) bool {
			return responses.intercept(context.WithoutCancel(ctx), n, m)
		}
	})
	defer s.leave(ctx)
	r.Baseline(ctx, "the registrar keeps the element alive through the attacker, who changes nothing", func(ctx context.Context, g gomega.Gomega) string {
		g.Expect(s.keepAlive(ctx)).To(gomega.Succeed(), "keep-alive")
		return "it acknowledges"
	})
	var passages []passage
	r.Attack(ctx, "change keep-alives on their way to the element", func(ctx context.Context, g gomega.Gomega) string {
		for how := range allTamperings {
			if s.home == nil && !s.returns(ctx) {
				obeyed := slices.ContainsFunc(passages, func(p passage) bool { return p.effect != "" })
				g.Expect(obeyed).To(gomega.BeTrue(), "the element does not come back to the honest registrar%s", s.because())
				break // what it has obeyed is enough
			}
			p, err := s.tampered(ctx, g, onPath, how)
			g.Expect(err).NotTo(gomega.HaveOccurred(), "tamper")
			passages = append(passages, p)
		}
		return strings.Join(sentences(passages), "; ")
	})
	answered := s.tamperResponses(ctx, responses)
	s.goAway()
	s.registrar.Wrap, s.registrar.Intercept = nil, nil // nobody is on the path any more
	agreed := false
	if r.Instance.Security == sut.Secured {
		agreed = s.downgraded(ctx, attackers.NullWithNull)
	}
	s.canary(ctx)
	r.Oracle(ctx, "what was changed had no effect", func(_ context.Context, g gomega.Gomega) string {
		return withoutEffect(g, "keep-alives", passages)
	})
	r.Oracle(ctx, "no response that was changed is taken for a grant", func(_ context.Context, g gomega.Gomega) string {
		return withoutEffect(g, "responses to registrations", answered)
	})
	if r.Instance.Security != sut.Secured {
		return
	}
	r.Oracle(ctx, "a cipher suite without integrity is refused", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(agreed).To(gomega.BeFalse(), "the element goes on when TLS_NULL_WITH_NULL_NULL is chosen for it")
		return "TLS_NULL_WITH_NULL_NULL is refused"
	})
}

// downgraded has the element meet a node in the registrar's place that chooses a suite
// without protection, and tells whether it goes on with it.
func (s *elementStage) downgraded(ctx context.Context, suite uint16) (agreed bool) {
	s.run.Attack(ctx, fmt.Sprintf("choose cipher suite %04x for the element", suite), func(ctx context.Context, g gomega.Gomega) string {
		_ = s.stop(ctx)
		at := s.registrar.Place
		door := script.Door{Protocol: wire.ASAP, Transport: at.Transport, Addr: at.Addr, EncapsulationPort: at.EncapsulationPort}
		d, err := attackers.Downgrade(ctx, door, suite, nil, string(s.run.Instance.Role), s.run.World.Recorder)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the attacker's door")
		defer d.Close()
		g.Expect(s.start(ctx)).To(gomega.Succeed(), "start the element")
		ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Response)
		defer cancel()
		out, err := d.Await(ctx, 0)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		agreed = out.GoesOn
		return out.Answer
	})
	return agreed
}

// tampered has a keep-alive changed on its way, and looks whether the element obeys it.
func (s *elementStage) tampered(ctx context.Context, g gomega.Gomega, onPath *paths[*attackers.Tamperer], how int) (passage, error) {
	n := s.home
	// Nothing else may be under way, such as what TLS still has to say after its handshake.
	if err := s.keepAlive(ctx); err != nil {
		return passage{}, err
	}
	tamperer, there := onPath.on(n)
	g.Expect(there).To(gomega.BeTrue(), "the attacker is not on the path of the element")
	before, done := s.acknowledgements(n), len(tamperer.Done())
	m := &wire.EndpointKeepAlive{Server: s.honest.Server, PoolHandle: []byte(s.spec.Pool)}
	server := binary.BigEndian.AppendUint32(nil, uint32(s.honest.Server))
	tampering := tamperings(server, wire.HeaderLength, attackers.RecordPrefix(n.Info().TLS))[how]
	tamperer.Tamper(attackers.Sent, tampering)
	s.seen = s.now()
	if err := n.Send(ctx, m); err != nil {
		return passage{}, err
	}
	if err := tamperer.Await(ctx, done); err != nil {
		return passage{}, err
	}
	p := passage{what: "a keep-alive", direction: attackers.Sent, how: tampering.What}
	lawful := 0
	if how == repeated {
		lawful = 1 // the first of the two
	}
	obeyed, outcome := s.settled(ctx, n, before, lawful)
	_, p.ended = n.Ended()
	if obeyed {
		p.effect = "it was acknowledged: " + outcome
	}
	return p, nil
}
