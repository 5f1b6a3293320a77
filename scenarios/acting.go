// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// needsOther wants a second element's identity where there are identities.
func needsOther(i *sut.Instance) string {
	if i.Security == sut.Secured && i.Credentials.Other == nil {
		return "needs a second element's key (credentials.other_element)"
	}
	return ""
}

// spoofer is a node with an identity of its own, or without one on a system in clear.
func (s *stage) spoofer(key *sut.PSK) *attackers.Spoofer {
	a := &attackers.Spoofer{Site: s.site(), Who: "a stranger", Door: s.element.Door()}
	if key != nil {
		a.Who, a.Identity, a.Key = key.Identity, key.Identity, key.Key
	}
	return a
}

func actingForAnother(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	spoofer := s.spoofer(r.Instance.Credentials.Other)
	pool := []byte(r.Instance.Pool)
	foreign := actor.NewPE(wire.PEID(r.Random()), documentationAddress)
	moved := actor.NewPE(s.element.PE.ID, from(&spoofer.Site, r))
	var attempts []attackers.Attempt
	r.Attack(ctx, "re-register the element elsewhere, deregister it, and register a victim's address", func(ctx context.Context, g gomega.Gomega) string {
		attempts = spoofer.Try(ctx,
			&wire.Registration{PoolHandle: pool, Element: moved},
			&wire.Deregistration{PoolHandle: pool, PEID: s.element.PE.ID},
			&wire.Registration{PoolHandle: pool, Element: foreign})
		return attempted(g, attempts, nil)
	})
	s.look(ctx)
	s.canary(ctx)
	r.Oracle(ctx, "nothing was accepted", func(_ context.Context, g gomega.Gomega) string {
		return noneAccepted(g, attempts)
	})
	r.Oracle(ctx, "the element is as it was, and the victim is not registered", func(_ context.Context, g gomega.Gomega) string {
		return s.unchanged(g, foreign.ID)
	})
	foreignAcknowledgement(ctx, s, spoofer)
}

// foreignAcknowledgement: an element that is silent is reported and probed. Without help
// it is removed (the control experiment); with a spoofer that acknowledges in its name it
// has to be removed too.
func foreignAcknowledgement(ctx context.Context, s *stage, spoofer *attackers.Spoofer) {
	r := s.run
	r.Canary(ctx, "control: a silent element that is reported unreachable is removed", func(ctx context.Context, g gomega.Gomega) string {
		gone, err := silenced(ctx, s, func(wire.PEID) {})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "silence an element")
		g.Expect(gone).To(gomega.BeTrue(), "a silent element is not removed within %s, so that nothing can be said of acknowledgements", r.Instance.Timers.Removal)
		return "it is removed"
	})
	var gone bool
	var sent atomic.Int64
	r.Attack(ctx, "acknowledge a silent element's keep-alives in its name", func(ctx context.Context, g gomega.Gomega) string {
		n, err := spoofer.Open(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the spoofer")
		defer n.Abort()
		gone, err = silenced(ctx, s, func(id wire.PEID) {
			if n.Send(ctx, &wire.EndpointKeepAliveAck{PoolHandle: []byte(r.Instance.Pool), PEID: id}) == nil {
				sent.Add(1)
			}
		})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "silence an element")
		g.Expect(sent.Load()).NotTo(gomega.BeZero(), "no keep-alive came that could be acknowledged")
		return fmt.Sprintf("%d acknowledgements sent, element removed: %t", sent.Load(), gone)
	})
	r.Oracle(ctx, "an acknowledgement by another does not keep a silent element in the pool", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(gone).To(gomega.BeTrue(), "the spoofer's acknowledgement keeps a dead element in the pool")
		return "the silent element is removed all the same"
	})
}

// silenced registers an element that does not answer keep-alives, has a pool user report
// it, and tells whether it is removed in time. probed is called for each keep-alive.
func silenced(ctx context.Context, s *stage, probed func(wire.PEID)) (gone bool, err error) {
	id := wire.PEID(s.run.Random())
	e, err := s.run.World.OpenElement(ctx, actor.Spec{Name: "pe silent", Door: s.element.Door(), ID: id, Answer: func() bool {
		probed(id)
		return false
	}})
	if err != nil {
		return false, err
	}
	defer e.Close(context.WithoutCancel(ctx))
	if err := e.Register(ctx); err != nil {
		return false, err
	}
	report := &wire.EndpointUnreachable{PoolHandle: []byte(s.run.Instance.Pool), PEID: id}
	if err := s.view.User().Send(ctx, report); err != nil {
		return false, err
	}
	return s.removed(ctx, id)
}

// pollRemoval is how often a pool user asks whether an element is gone, where no peer
// registrar hears of it: often enough not to lengthen a check, and far below any rate limit.
const pollRemoval = 100 * time.Millisecond

// removed waits until an element is removed, at most as long as the system may take.
func (s *stage) removed(ctx context.Context, id wire.PEID) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Removal)
	defer cancel()
	if p := s.view.Peer(); p != nil {
		_, err := p.Await(ctx, func(m wire.Message) bool {
			u, ok := m.(*wire.HandleUpdate)
			return ok && u.Action == wire.DelPE && u.Element.ID == id
		})
		if err == nil {
			return true, nil
		}
		if ctx.Err() == nil {
			return false, err
		}
		return s.gone(context.WithoutCancel(ctx), id)
	}
	tick := time.NewTicker(pollRemoval)
	defer tick.Stop()
	for {
		if gone, err := s.gone(context.WithoutCancel(ctx), id); gone || err != nil {
			return gone, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, nil
		}
	}
}

// gone asks whether the element can no longer be resolved.
func (s *stage) gone(ctx context.Context, id wire.PEID) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Response)
	defer cancel()
	elements, err := s.view.User().Resolve(ctx, s.run.Instance.Pool)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(elements, func(e wire.PoolElement) bool { return e.ID == id }), nil
}
