// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// section2_12Element: ENRP server discovery, by pool elements.
//
// "A provision for authentication MUST be present and a provision for data confidentiality
// service SHOULD be present. TLS has a mechanism for confidentiality."
func section2_12Element() []engine.Check {
	threat := reports.Threat{
		Attacker:     "a node that can send datagrams to the element, or keeps those of others from it",
		Precondition: "an announcement names a registrar and proves nothing: what it names has to show who it is",
		Effect:       "the element registers with a rogue, or finds no registrar at all and is lost to its pool",
		Mitigation:   "Announced registrars are authenticated like configured ones, and do not displace them.",
		Residual:     "A flood costs the element attempts; an element that is configured with no registrar can be kept from all.",
	}
	listening := threat
	listening.Attacker = "a passive node on the path between the element and a registrar that it has heard of"
	listening.Precondition = "the element speaks with a registrar that was announced as securely as with a configured one"
	listening.Effect = "the attacker learns which services there are, and at which addresses"
	listening.Mitigation = "TLS with suites that encrypt, also towards a registrar that is known from an announcement only."
	listening.Residual = "The announcements themselves are in clear and tell everybody where the registrars are."
	return []engine.Check{
		{
			ID: "2.12-pe-forged-announcements", Section: "2.12", Role: engine.PoolElement, Rung: 1,
			Title:        "Announcements of registrars are forged, flooded and kept back",
			Requirements: []string{"T2.12-R1"}, Threat: threat, Applies: needsElementKey, Run: announceToElement,
		},
		{
			ID: "2.12-pe-announced-registrar", Section: "2.12", Role: engine.PoolElement, Rung: 1,
			Title:        "A passive node listens to an element and a registrar that was announced",
			Requirements: []string{"T2.12-R2", "T2.12-R3"}, Threat: listening, Applies: needsElementKey, Run: listenToAnnounced,
		},
	}
}

// listens has the element listen for announcements at a group of this check.
func listens(s *elementStage) { s.spec.Announcements = announcementGroup() }

// herald announces registrars to the element, from an address.
func (s *elementStage) herald(ctx context.Context, name string, local netip.Addr, hostile bool) (*script.Herald, error) {
	i := s.run.Instance
	to := []netip.AddrPort{s.spec.Announcements}
	if i.Node.IsValid() {
		to = append(to, netip.AddrPortFrom(i.Node, s.spec.Announcements.Port()))
	}
	h, err := script.OpenHerald(ctx, script.HeraldOptions{
		Name: name, Peer: string(i.Role), Local: local, To: to, Hostile: hostile, Wire: i.Wire, Recorder: s.run.World.Recorder,
	})
	if err == nil {
		s.company.Stay(h.Close)
	}
	return h, err
}

// cries announces the honest registrar until the returned function is called.
func (s *elementStage) cries(ctx context.Context, g gomega.Gomega) (end func()) {
	crier, err := s.herald(ctx, "registrar", s.registrar.Place.Addr.Addr(), false)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "announce")
	return announcing(ctx, func(ctx context.Context) {
		_ = crier.Announce(ctx, announcement(s.honest.Server, s.registrar.Place)) // what is lost is repeated
	})
}

// hears takes the baseline: the element registers with the honest registrar, which is announced.
func (s *elementStage) hears(ctx context.Context) {
	s.open(ctx)
	s.run.Baseline(ctx, "the registrar is announced, and the element registers", func(ctx context.Context, g gomega.Gomega) string {
		defer s.cries(ctx, g)()
		return s.registers(ctx, g, moment{})
	})
}

func announceToElement(ctx context.Context, r *engine.Run) {
	s := newElementStage(ctx, r)
	defer s.leave(ctx)
	listens(s)
	s.hears(ctx)
	var kept bool
	r.Passive(ctx, "keep every announcement back: the element knows its registrar from its configuration", func(ctx context.Context, g gomega.Gomega) string {
		_ = s.stop(ctx)
		since := s.now()
		g.Expect(s.start(ctx)).To(gomega.Succeed(), "start the element")
		ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
		defer cancel()
		kept, _ = s.decides(ctx, since, tries)
		return fmt.Sprintf("it registers: %t", kept)
	})
	var rogues []*attackers.RogueRegistrar
	r.Attack(ctx, "announce rogue registrars while the honest one is away", func(ctx context.Context, g gomega.Gomega) string {
		_ = s.stop(ctx)
		s.goAway()
		all := poses(g, r)
		if r.Instance.Security == sut.Secured {
			all = append(all, attackers.PoseInClear())
		}
		for _, pose := range all {
			rogues = append(rogues, s.announced(ctx, g, pose))
		}
		return fmt.Sprintf("%d rogue registrars announced, the element came to each", len(rogues))
	})
	found := !kept // who does not go by its configuration is not asked again
	r.Attack(ctx, fmt.Sprintf("announce %d registrars that are not there, and let the honest one come back", floodAnnouncements), func(ctx context.Context, g gomega.Gomega) string {
		send := s.flooders(ctx, g)
		send(ctx)
		defer announcing(ctx, send)()
		if s.element == nil {
			g.Expect(s.start(ctx)).To(gomega.Succeed(), "start the element")
		}
		g.Expect(s.comeBack(ctx)).To(gomega.Succeed(), "the honest registrar comes back")
		if kept {
			found, _ = s.decides(ctx, moment{}, tries)
		}
		return fmt.Sprintf("it registers: %t", found)
	})
	alive := r.Canary(ctx, "without a flood, and announced, the registrar is found", func(ctx context.Context, g gomega.Gomega) string {
		_ = s.stop(ctx)
		since := s.now()
		g.Expect(s.start(ctx)).To(gomega.Succeed(), "start the element")
		defer s.cries(ctx, g)()
		s.registers(ctx, g, since)
		g.Expect(s.keepAlive(ctx)).To(gomega.Succeed(), "keep-alive")
		return "it is registered and acknowledges"
	})
	r.Oracle(ctx, "rogue registrars that were announced are told nothing", func(_ context.Context, g gomega.Gomega) string {
		return untold(g, rogues)
	})
	if !alive {
		return // that it was not found before says nothing
	}
	r.Oracle(ctx, "a registrar that is configured is found without announcements", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(kept).To(gomega.BeTrue(), "without announcements the element does not turn to the registrar that it is configured with")
		return "without announcements the configured registrar is found"
	})
	r.Oracle(ctx, "a flood of announcements does not keep the element from its registrar", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(found).To(gomega.BeTrue(), "among %d registrars that are not there, the element does not find its own", floodAnnouncements)
		return "the registrar is found among those that are not there"
	})
}

// announced has a rogue registrar announced to an element that is started anew.
func (s *elementStage) announced(ctx context.Context, g gomega.Gomega, pose attackers.Pose) *attackers.RogueRegistrar {
	_ = s.stop(ctx)
	at := s.run.Instance.Local()
	place := s.registrar.Place
	place.Addr = netip.AddrPortFrom(at, place.Addr.Port())
	door := script.Door{Protocol: wire.ASAP, Transport: place.Transport, Addr: place.Addr, EncapsulationPort: place.EncapsulationPort}
	doors := []script.Door{door}
	if place.Addr.Port() != wire.PortASAP { // where an element may come that is less careful with who was announced
		door.Addr = netip.AddrPortFrom(at, wire.PortASAP)
		doors = append(doors, door)
	}
	site := s.site()
	rogue, err := site.Stand(ctx, pose, s.spec.Pool, doors...)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "open the rogue registrar")
	defer rogue.Close()
	forger, err := s.herald(ctx, attackers.Name, at, true)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "announce")
	g.Expect(s.start(ctx)).To(gomega.Succeed(), "start the element")
	defer announcing(ctx, func(ctx context.Context) {
		_ = forger.Announce(ctx, announcement(attackers.RogueServer, place)) // what is lost is repeated
	})()
	g.Expect(s.settle(ctx, rogue)).To(gomega.Succeed(), "the element does not come to the rogue registrar")
	if len(rogue.Heard()) > 0 {
		_ = s.stop(ctx) // it would not leave without its registrar
	}
	return rogue
}

// flooders returns what announces a flood of registrars that are not there once.
func (s *elementStage) flooders(ctx context.Context, g gomega.Gomega) func(context.Context) {
	heralds := make([]*script.Herald, floodSources)
	for n := range heralds {
		var err error
		heralds[n], err = s.herald(ctx, attackers.Name, s.run.Instance.Local(), true)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "announce")
	}
	absent := make([]*wire.ServerAnnounce, floodAnnouncements)
	nobody := s.registrar.Place
	for n := range absent {
		nobody.Addr = netip.AddrPortFrom(s.registrar.Place.Addr.Addr(), uint16(floodPort+n))
		absent[n] = announcement(wire.ServerID(s.run.Random()), nobody)
	}
	return func(ctx context.Context) {
		for n, a := range absent {
			_ = heralds[n%len(heralds)].Announce(ctx, a) // what is lost is repeated
		}
	}
}

func listenToAnnounced(ctx context.Context, r *engine.Run) {
	ear := &attackers.Eavesdropper{}
	r.World.Recorder = overheard{r.World.Recorder, ear}
	s := newElementStage(ctx, r)
	defer s.leave(ctx)
	listens(s)
	s.spec.Registrars = nil // it knows of none
	if key := s.spec.Identity; key != nil {
		// The registrar leaves it to the element how secure it is: any suite, and in clear as well.
		pose := attackers.PoseWithKey("", key.Key)
		pose.TLS.CipherSuites = "PSK-AES128-GCM-SHA256:" + nullCiphers
		s.registrar.TLS = pose.TLS
		inClear := s.registrar.Place
		inClear.Secured, inClear.Addr = false, netip.AddrPortFrom(inClear.Addr.Addr(), wire.PortASAP)
		if inClear.Addr != s.registrar.Place.Addr {
			s.registrar.More = []sut.Place{inClear}
		}
	}
	s.hears(ctx)
	var read []string
	r.Passive(ctx, "listen to the registration", func(_ context.Context, g gomega.Gomega) string {
		read = s.overheard(g, ear)
		return "can be read: " + list(read)
	})
	r.Canary(ctx, "the element acknowledges a keep-alive", func(ctx context.Context, g gomega.Gomega) string {
		g.Expect(s.keepAlive(ctx)).To(gomega.Succeed(), "keep-alive")
		return "it acknowledges"
	})
	r.Oracle(ctx, "nothing can be read of what an announced registrar is told", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(read).To(gomega.BeEmpty(), "an eavesdropper reads: %s", strings.Join(read, ", "))
		return "neither handle nor identifier nor address can be read"
	})
}
