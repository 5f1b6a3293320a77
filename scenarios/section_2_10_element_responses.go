// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"strings"
	"sync"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// tamperedResponse has the honest registrar's next response to a registration changed on its
// way. Who comes after that is not answered until it is seen what became of it, so that
// nothing the element says meanwhile is lawful.
type tamperedResponse struct {
	onPath *paths[*attackers.Tamperer]

	mu       sync.Mutex
	how      int
	waiting  bool                // for a registration to answer
	holding  bool                // registrations that come after it
	node     *script.Node        // over which the response went, nil before
	tamperer *attackers.Tamperer // on its path, nil if nobody is there
	what     string
	held     []actor.Heard
}

// rejection is what a bit on the way turns into a grant.
func rejection(m *wire.Registration) *wire.RegistrationResponse {
	return &wire.RegistrationResponse{
		Reject: true, PoolHandle: m.PoolHandle, PEID: m.Element.ID, Causes: []wire.Cause{{Code: wire.CauseLackOfResources}},
	}
}

// rejectFlag is the head of a rejection (RFC 5352 section 2.2.3): its type, and the flags, of
// which R is the last bit.
func rejectFlag() []byte { return []byte{wire.TypeRegistrationResponse, 1} }

// arm has the next response changed.
func (t *tamperedResponse) arm(how int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.how, t.waiting, t.holding, t.node, t.tamperer = how, true, true, nil, nil
}

// intercept is that of the honest registrar.
func (t *tamperedResponse) intercept(ctx context.Context, n *script.Node, m wire.Message) bool {
	registration, ok := m.(*wire.Registration)
	if !ok {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.waiting:
		t.answer(ctx, n, registration)
		return true
	case t.holding:
		t.held = append(t.held, actor.Heard{Node: n, Message: m})
		return true
	}
	return false
}

// answer sends the response past the tamperer. The caller holds t.mu.
func (t *tamperedResponse) answer(ctx context.Context, n *script.Node, m *wire.Registration) {
	response := grant(m)
	if t.how == flipped {
		response = rejection(m)
	}
	t.waiting, t.node = false, n
	if tamperer, there := t.onPath.on(n); there {
		change := tamperings(rejectFlag(), 0, attackers.RecordPrefix(n.Info().TLS))[t.how]
		tamperer.Tamper(attackers.Sent, change)
		t.tamperer, t.what = tamperer, change.What
	}
	_ = n.Send(ctx, response) // an association that has ended shows in what the element does next
}

func grant(m *wire.Registration) *wire.RegistrationResponse {
	return &wire.RegistrationResponse{PoolHandle: m.PoolHandle, PEID: m.Element.ID}
}

// passed returns what passed the tamperer since arm.
func (t *tamperedResponse) passed() (n *script.Node, tamperer *attackers.Tamperer, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.node, t.tamperer, t.what
}

// release answers those that were held.
func (t *tamperedResponse) release(ctx context.Context) {
	t.mu.Lock()
	held := t.held
	t.held, t.waiting, t.holding = nil, false, false
	t.mu.Unlock()
	for _, h := range held {
		_ = h.Node.Send(ctx, grant(h.Message.(*wire.Registration))) // it may have gone again
	}
}

// tamperResponses has the response to the element's registration changed on its way, in all
// ways, until the element takes one for what the registrar said.
func (s *elementStage) tamperResponses(ctx context.Context, t *tamperedResponse) (passages []passage) {
	s.run.Attack(ctx, "change responses to registrations on their way to the element, and turn a rejection into a grant", func(ctx context.Context, g gomega.Gomega) string {
		for how := range allTamperings {
			p := s.responds(ctx, g, t, how)
			if passages = append(passages, p); p.effect != "" {
				break // what it has taken is enough
			}
			if s.home == nil {
				g.Expect(s.returns(ctx)).To(gomega.BeTrue(), "the element does not come back to the honest registrar%s", s.because())
			}
		}
		return strings.Join(sentences(passages), "; ")
	})
	return passages
}

// responds starts the element anew, has the response to its registration changed, and looks
// whether the element takes it.
func (s *elementStage) responds(ctx context.Context, g gomega.Gomega, t *tamperedResponse, how int) passage {
	_ = s.stop(ctx)
	t.arm(how)
	defer t.release(ctx)
	since := s.now()
	g.Expect(s.start(ctx)).To(gomega.Succeed(), "start the element")
	s.registers(ctx, g, since)
	n, tamperer, what := t.passed()
	g.Expect(tamperer).NotTo(gomega.BeNil(), "the attacker is not on the path of the element")
	g.Expect(tamperer.Await(ctx, 0)).To(gomega.Succeed(), "tamper")
	s.home = n
	p := passage{what: "a response to a registration", direction: attackers.Sent, how: what}
	if how == flipped {
		p.what = "a rejection of a registration"
	}
	alive := s.goesOn(ctx, n)
	_, p.ended = n.Ended()
	lawful := 0
	if how == repeated {
		lawful = 1 // the first of the two
	}
	switch {
	case s.events.count(sut.EventRegistered) > lawful:
		p.effect = "it was taken for a grant: the element says that it is registered"
	case alive && how != repeated: // some take a piece that comes twice at once for a mistake of the network
		p.effect = "it was taken for a grant: the element goes on with the association"
	}
	if p.ended {
		s.home = nil
	}
	s.seen = moment{s.upTo(n), since.attempts}
	return p
}

// upTo is how much the honest registrar had heard with the last registration over n.
func (s *elementStage) upTo(n *script.Node) (heard int) {
	for i, h := range s.honest.Heard() {
		if h.Node == n && s.isRegistration(h.Message) {
			heard = i + 1
		}
	}
	return heard
}

// goesOn tells whether the element acknowledges a keep-alive over n, and does not end it.
func (s *elementStage) goesOn(ctx context.Context, n *script.Node) bool {
	want := s.acknowledgements(n) + 1
	s.behind(ctx, n, want)
	return s.acknowledgements(n) >= want
}
