// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// section2_1Element: what sections 2.1 to 2.4 and 2.6 say alike of registrar and element.
//
// "TLS with PSK is mandatory to implement as the authentication mechanism."
func section2_1Element() []engine.Check {
	return []engine.Check{{
		ID: "2.1-pe-psk-handshake", Section: "2.1", Role: engine.PoolElement,
		Title:        "The element admits a registrar by pre-shared key, and no other key than its own",
		Requirements: []string{"T2.1-R2", "T2.2-R3", "T2.3-R3", "T2.4-R3", "T2.6-R3"},
		Threat: reports.Threat{
			Attacker:     "a node that answers in the registrar's place, with a key of its own",
			Precondition: "element and registrar have a mechanism in common by which each shows who it is",
			Effect:       "elements cannot be told from nodes that pose as such, nor registrars from rogues",
			Mitigation:   "TLS with pre-shared keys, of which the element offers cipher suites and takes nothing less.",
			Residual:     "Whoever gets hold of the key is taken for the registrar; a short key can be guessed off line.",
		},
		Applies: needsElementKey, Run: elementHandshake,
	}}
}

func elementHandshake(ctx context.Context, r *engine.Run) {
	if r.Instance.Security == sut.Clear {
		elementWithoutTLS(ctx, r)
		return
	}
	s := newElementStage(ctx, r)
	defer s.leave(ctx)
	s.open(ctx)
	var registered bool
	var refused error
	r.Baseline(ctx, "the element comes to a registrar that takes pre-shared keys only", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		registered, err = s.decides(ctx, moment{}, tries)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "the element does not come")
		refused = s.alerted()
		g.Expect(refused != nil || len(s.honest.Nodes()) > 0).To(gomega.BeTrue(), "the element leaves in the middle of the handshake: %v", s.honest.Refused())
		g.Expect(keyRefused(refused)).To(gomega.BeFalse(), "the element has another key than %s: %v", s.spec.Identity, refused)
		return fmt.Sprintf("associations: %d, refused: %d", len(s.honest.Nodes()), len(s.honest.Refused()))
	})
	var rogues []*attackers.RogueRegistrar
	r.Attack(ctx, "answer in the registrar's place with other keys", func(ctx context.Context, g gomega.Gomega) string {
		guess := make([]byte, 32)
		_, err := rand.Read(guess)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "system randomness")
		older := attackers.PoseWithKey("a key of its own making, in TLS 1.2", guess)
		older.TLS.MaxVersion = tlspsk.TLS12
		for _, pose := range []attackers.Pose{attackers.PoseWithKey("a key of its own making", guess), older, attackers.PoseWithIdentity()} {
			rogues = append(rogues, s.rogue(ctx, g, pose))
		}
		return fmt.Sprintf("the element came to %d rogue registrars", len(rogues))
	})
	if registered {
		s.canary(ctx)
	}
	r.Oracle(ctx, "the right key suffices, with cipher suites for pre-shared keys only", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(refused).NotTo(gomega.HaveOccurred(), "the element and a registrar that takes pre-shared keys have no cipher suite in common")
		return "the element and a registrar with the right key agree"
	})
	r.Oracle(ctx, "no other key is admitted", func(_ context.Context, g gomega.Gomega) string {
		return untold(g, rogues)
	})
}

// untold expects that rogue registrars were told nothing.
func untold(g gomega.Gomega, rogues []*attackers.RogueRegistrar) string {
	lines := told(rogues)
	g.Expect(lines).To(gomega.BeEmpty(), "the element sent %s", strings.Join(lines, "; "))
	return fmt.Sprintf("%d rogue registrars were told nothing", len(rogues))
}

// elementWithoutTLS judges an element that is declared to have no TLS: it does not begin any.
func elementWithoutTLS(ctx context.Context, r *engine.Run) {
	s := setElement(ctx, r)
	defer s.leave(ctx)
	var rogue *attackers.RogueRegistrar
	// To an element that begins no TLS there is nothing to answer.
	r.Passive(ctx, "expect TLS where the element looks for its registrar", func(ctx context.Context, g gomega.Gomega) string {
		rogue = s.rogue(ctx, g, attackers.PoseWithIdentity())
		g.Expect(rogue.Openings()).NotTo(gomega.BeEmpty(), "the element says nothing to a registrar that expects TLS")
		return fmt.Sprintf("the element came %d times", rogue.Attempts())
	})
	s.canary(ctx)
	r.Oracle(ctx, "the element begins TLS", func(_ context.Context, g gomega.Gomega) string {
		return beginsTLS(g, []*attackers.RogueRegistrar{rogue})
	})
}

// beginsTLS expects that whatever came began with a ClientHello.
func beginsTLS(g gomega.Gomega, rogues []*attackers.RogueRegistrar) string {
	n := 0
	for _, r := range rogues {
		for _, first := range r.Openings() {
			_, err := attackers.OfferedSuites(first)
			g.Expect(err).NotTo(gomega.HaveOccurred(), "the element begins without TLS, with the octets % x", first[:min(len(first), 16)])
			n++
		}
	}
	return fmt.Sprintf("%d associations began with TLS", n)
}
