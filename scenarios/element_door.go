// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// needsRegistrarKey wants the identity by which a registrar comes to the element.
func needsRegistrarKey(i *sut.Instance) string {
	if i.Security == sut.Secured && i.Credentials.Peer == nil {
		return "needs the key of a registrar (credentials.peer)"
	}
	if !i.Node.IsValid() {
		return "needs the address of the element"
	}
	return needsElementKey(i)
}

// needsInsider wants the key of another element.
func needsInsider(i *sut.Instance) string {
	if why := needsOther(i); why != "" {
		return why
	}
	return needsRegistrarKey(i)
}

// withDoor has the element take registrars that come to it: that of Credentials.Peer.
func withDoor(s *elementStage) {
	port := uint16(wire.PortASAP)
	if s.spec.Security == sut.Secured {
		port = wire.PortASAPTLS
	}
	s.spec.Door = sut.Place{
		Transport: association.SCTPUDP, Secured: s.spec.Security == sut.Secured, Addr: netip.AddrPortFrom(s.run.Instance.Node, port),
	}
	s.spec.Caller = s.run.Instance.Credentials.Peer
}

// doors are the element's own, as an attacker finds them.
func (s *elementStage) doors() []script.Door {
	d := s.spec.Door
	doors := []script.Door{{Protocol: wire.ASAP, Transport: d.Transport, Secured: d.Secured, Addr: d.Addr, EncapsulationPort: d.EncapsulationPort}}
	if d.Secured {
		doors = append(doors, script.Door{
			Protocol: wire.ASAP, Transport: d.Transport, Addr: netip.AddrPortFrom(d.Addr.Addr(), wire.PortASAP), EncapsulationPort: d.EncapsulationPort,
		})
	}
	return doors
}

// takeHome is what a registrar says that wants to be home.
func (s *elementStage) takeHome(server wire.ServerID) *wire.EndpointKeepAlive {
	return &wire.EndpointKeepAlive{NewHome: true, Server: server, PoolHandle: []byte(s.spec.Pool)}
}

// stays expects that the element is still at home with the honest registrar: there it renews
// its registration, over the association that it has.
func (s *elementStage) stays(ctx context.Context) bool {
	home := s.home
	return s.run.Canary(ctx, "the element renews its registration with the registrar that it has", func(ctx context.Context, g gomega.Gomega) string {
		s.renews(ctx, g)
		g.Expect(s.keepAlive(ctx)).To(gomega.Succeed(), "keep-alive")
		if s.home != home {
			return "it came back over a new association"
		}
		return "it renews, and acknowledges a keep-alive"
	})
}

// admits is the control experiment at the door: the registrar that may come is acknowledged.
func (s *elementStage) admits(ctx context.Context) bool {
	return s.run.Canary(ctx, "control: the registrar that may come is admitted", func(ctx context.Context, g gomega.Gomega) string {
		door := s.doors()[0]
		o := script.Options{
			Name: "registrar that takes over", Peer: "pe", Door: door, Local: s.run.Instance.Local(), Wire: s.run.Instance.Wire, Recorder: s.run.World.Recorder,
		}
		if door.Secured {
			o.TLS = actor.PSKConfig(s.spec.Caller)
		}
		n, err := script.Open(ctx, o)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "come to the element")
		defer n.Abort()
		ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Response)
		defer cancel()
		m := &wire.EndpointKeepAlive{Server: s.honest.Server, PoolHandle: []byte(s.spec.Pool)}
		_, err = n.Request(ctx, m, isAcknowledgement)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "keep-alive")
		return "its keep-alive is acknowledged"
	})
}

// disobeys judges what came of attempts to be home: none was acknowledged, and the element is
// still at home with the honest registrar, and tells whether that went well. If one was
// acknowledged, the element need not be asked any more.
func (s *elementStage) disobeys(ctx context.Context, title string, attempts []attackers.Attempt) bool {
	alive := !slices.ContainsFunc(attempts, func(a attackers.Attempt) bool { return attackers.Discloses(a.Answer) })
	if alive {
		alive = s.stays(ctx)
	}
	s.run.Oracle(ctx, title, func(_ context.Context, g gomega.Gomega) string {
		for _, a := range attempts {
			g.Expect(attackers.Discloses(a.Answer)).To(gomega.BeFalse(), "%s", a)
		}
		return fmt.Sprintf("%d attempts, and the element stays with its home", len(attempts))
	})
	return alive && s.admits(ctx)
}

func rogueCaller(ctx context.Context, r *engine.Run) {
	s := setElement(ctx, r, withDoor)
	defer s.leave(ctx)
	stranger := attackers.Stranger{Site: s.site()}
	stranger.Doors = s.doors()
	var attempts []attackers.Attempt
	r.Attack(ctx, "come to the element without a key, and want to be its home", func(ctx context.Context, g gomega.Gomega) string {
		known := attackers.KnownIdentity("")
		if s.spec.Caller != nil {
			known = attackers.KnownIdentity(s.spec.Caller.Identity)
		}
		var err error
		attempts, err = stranger.Everything(ctx, known, s.takeHome(attackers.RogueServer))
		return attempted(g, attempts, err)
	})
	s.disobeys(ctx, "nobody without a key is obeyed", attempts)
}

func insiderRegistrar(ctx context.Context, r *engine.Run) {
	s := setElement(ctx, r, withDoor)
	defer s.leave(ctx)
	site := s.site()
	site.Doors = s.doors()
	var attempts []attackers.Attempt
	r.Attack(ctx, "come to the element with an element's key, and want to be its home", func(ctx context.Context, g gomega.Gomega) string {
		for _, k := range []*sut.PSK{r.Instance.Credentials.Other, r.Instance.Credentials.Restricted, s.spec.Identity} {
			if k == nil && r.Instance.Security == sut.Secured {
				continue
			}
			spoofer := attackers.Spoofer{Site: site, Who: "an insider", Door: site.Doors[0]}
			if k != nil {
				spoofer.Who, spoofer.Identity, spoofer.Key = k.Identity, k.Identity, k.Key
			}
			attempts = append(attempts, spoofer.Try(ctx, s.takeHome(attackers.RogueServer))...)
		}
		return attempted(g, attempts, nil)
	})
	if !s.disobeys(ctx, "an element's key is not that of a registrar", attempts) {
		return
	}
	var rogue *attackers.RogueRegistrar
	r.Attack(ctx, "stand where the element looks for its registrar, with another element's key", func(ctx context.Context, g gomega.Gomega) string {
		pose := attackers.PoseInClear()
		if k := r.Instance.Credentials.Other; k != nil {
			pose = attackers.PoseWithKey("the key of another element", k.Key)
		}
		rogue = s.rogue(ctx, g, pose)
		return fmt.Sprintf("the element came %d times", rogue.Attempts())
	})
	s.canary(ctx)
	r.Oracle(ctx, "nor does it make one", func(_ context.Context, g gomega.Gomega) string {
		return untold(g, []*attackers.RogueRegistrar{rogue})
	})
}
