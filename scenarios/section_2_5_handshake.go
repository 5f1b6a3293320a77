// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// peerHandshake judges TLS with pre-shared keys at the doors of ENRP.
func peerHandshake(ctx context.Context, r *engine.Run) {
	if r.Instance.Security == sut.Clear {
		noPeerTLS(ctx, r)
		return
	}
	doors, key := r.World.Doors(wire.ENRP), r.Instance.Credentials.Peer
	refused := make(map[script.Door]error)
	r.Baseline(ctx, "elements are served, and the right key of a peer is admitted or refused as a suite", func(ctx context.Context, g gomega.Gomega) string {
		g.Expect(doors).NotTo(gomega.BeEmpty(), "there is no ENRP door with TLS")
		for _, door := range doors {
			err := askAs(ctx, r, plainOptions(r, "peer honest", door, actor.PSKConfig(key)), pathPeerID)
			refused[door] = err
			// What is said to a registrar that TLS has admitted is another question.
			admitted := err == nil || errors.Is(err, script.ErrEnded) || errors.Is(err, actor.ErrRejected)
			g.Expect(admitted || suiteRefused(err)).To(gomega.BeTrue(), "%s: neither a session nor an alert: %v", door, err)
			g.Expect(keyRefused(refused[door])).To(gomega.BeFalse(), "%s does not take the key of %s; is it the one that the system knows?: %v", door, key, refused[door])
		}
		return "the system does not object to the key"
	})
	guessed := guessKeys(ctx, r, doors, key, func(ctx context.Context, o script.Options) error {
		return askAs(ctx, r, o, attackers.RogueServer)
	})
	r.Canary(ctx, "elements are still served, through every door of ASAP", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range r.World.Doors(wire.ASAP) {
			n, err := script.Open(ctx, plainOptions(r, "pe honest", door, nil))
			g.Expect(err).NotTo(gomega.HaveOccurred(), "come through %s", door)
			n.Abort()
		}
		for door, before := range refused {
			after := askAs(ctx, r, plainOptions(r, "peer honest", door, actor.PSKConfig(key)), pathPeerID)
			g.Expect(after == nil).To(gomega.Equal(before == nil), "the right key at %s: %v before the attack, %v after it", door, before, after)
		}
		return "the system is there, and takes the right key as it did before"
	})
	r.Oracle(ctx, "pre-shared key suites suffice with the right key", func(_ context.Context, g gomega.Gomega) string {
		for door, err := range refused {
			g.Expect(suiteRefused(err)).To(gomega.BeFalse(), "the right key at %s: %v", door, err)
		}
		return fmt.Sprintf("the right key is admitted at %d doors", len(doors))
	})
	guessed.refused(ctx, r)
}

// noPeerTLS: a system that is declared to have no TLS has none at the doors of ENRP either.
func noPeerTLS(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	var refused []string
	r.Passive(ctx, "begin TLS with a pre-shared key at the doors of ENRP", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range site(r).Clear(wire.ENRP) {
			door.Secured = true
			err := askAs(ctx, r, plainOptions(r, "peer honest", door, actor.PSKConfig(&sut.PSK{Identity: "rspthreat", Key: make([]byte, 32)})), pathPeerID)
			if err != nil {
				refused = append(refused, fmt.Sprintf("%s at %s: %v", door, door.Addr, err))
			}
		}
		g.Expect(refused).NotTo(gomega.BeEmpty(), "the system speaks TLS at every door: declare it secured")
		return strings.Join(refused, "; ")
	})
	s.canary(ctx)
	r.Oracle(ctx, "TLS with pre-shared keys is implemented between registrars", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(refused).To(gomega.BeEmpty(), "no door of ENRP speaks TLS with pre-shared keys: %s", strings.Join(refused, "; "))
		return "TLS is spoken"
	})
}

// suiteRefused tells whether TLS ended with an alert.
func suiteRefused(err error) bool {
	var alert *tlspsk.AlertError
	return errors.As(err, &alert)
}

// askAs asks for the server list, as a registrar of that server ID.
func askAs(ctx context.Context, r *engine.Run, o script.Options, sender wire.ServerID) error {
	ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
	defer cancel()
	n, err := script.Open(ctx, o)
	if err != nil {
		return err
	}
	defer n.Abort()
	m, err := n.Request(ctx, &wire.ListRequest{Sender: sender}, func(m wire.Message) bool {
		switch m.(type) {
		case *wire.ListResponse, *wire.ENRPError:
			return true
		}
		return false
	})
	if err != nil {
		return err
	}
	if list, ok := m.(*wire.ListResponse); !ok || list.Reject {
		return fmt.Errorf("%w: %s", actor.ErrRejected, attackers.Describe(m))
	}
	return nil
}

// peerAuthorised: the observers are not needed, so that a system that keeps peers out is judged.
func peerAuthorised(ctx context.Context, r *engine.Run) {
	door := r.World.Doors(wire.ENRP)[0]
	key := r.Instance.Credentials.Peer
	r.Baseline(ctx, "the holder of the key comes over TLS", func(ctx context.Context, g gomega.Gomega) string {
		n, err := script.Open(ctx, plainOptions(r, "peer honest", door, actor.PSKConfig(key)))
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the peer")
		n.Abort()
		return "the handshake succeeds, with " + key.String()
	})
	var rejected error
	var tables int
	r.Canary(ctx, "it introduces itself and asks for servers and elements, and an element is served", func(ctx context.Context, g gomega.Gomega) string {
		asap, err := r.World.Door(wire.ASAP)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "door for the element")
		n, err := r.World.OpenElement(ctx, actor.Spec{Name: "pe honest", Door: asap, ID: wire.PEID(r.Random())})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the element")
		defer n.Close(ctx)
		g.Expect(n.Register(ctx)).To(gomega.Succeed(), "register the element")
		defer func() { _ = n.Deregister(ctx) }() // the system may have gone
		tables, rejected = consult(ctx, r)
		elements, err := r.World.UserOn(n.Node).Resolve(ctx, r.Instance.Pool)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve through the element's association")
		g.Expect(elements).NotTo(gomega.BeEmpty(), "the element that registered cannot be resolved")
		if rejected != nil {
			return rejected.Error()
		}
		return fmt.Sprintf("%d pools in the handle table", tables)
	})
	r.Oracle(ctx, "it is taken for a registrar with no other credential", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(rejected).NotTo(gomega.HaveOccurred(), "the holder of a registrar's pre-shared key is not")
		return "presence, server list and handle table are answered"
	})
}

// consult does what a registrar does that joins the group.
func consult(ctx context.Context, r *engine.Run) (pools int, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
	defer cancel()
	p, err := r.World.OpenPeer(ctx, actor.PeerSpec{Name: "peer honest", ID: pathPeerID})
	if err != nil {
		return 0, err
	}
	defer p.Close(ctx)
	if _, err := p.Servers(ctx); err != nil {
		return 0, err
	}
	table, err := p.Table(ctx)
	return len(table), err
}
