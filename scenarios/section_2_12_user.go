// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"net/netip"
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

// section2_12User: ENRP server discovery, by pool users.
//
// "A provision for authentication MUST be present and a provision for data confidentiality
// service SHOULD be present. TLS has a mechanism for confidentiality."
func section2_12User() []engine.Check {
	return []engine.Check{{
		ID: "2.12-forged-announcements", Section: "2.12", Role: engine.PoolUser, Rung: 1, Security: sut.Secured,
		Title:        "Announcements of registrars are forged, flooded and kept back",
		Requirements: []string{"T2.12-R1", "T2.12-R2", "T2.12-R3"},
		Threat: reports.Threat{
			Attacker:     "a node that can send datagrams to the user, or keeps those of others from it",
			Precondition: "an announcement names a registrar and proves nothing: what it names has to show who it is, over TLS",
			Effect:       "the user asks the attacker, asks in clear, or finds no registrar at all",
			Mitigation:   "announced registrars are authenticated like all others, and no announcement displaces another",
			Residual:     "a flood costs the user attempts, over SCTP up to T5 for every three hosts that stay silent, and who keeps every announcement back leaves it what it was told",
		},
		Run: forgedAnnouncements,
	}}
}

// discovery is a user that knows no registrar and listens for announcements.
type discovery struct {
	*userStage
	group   netip.AddrPort // where the user listens
	at      [2]sut.Place   // of the registrar that is honest, and of the rogue
	honest  *actor.Registrar
	gate    *actor.Gate
	member  wire.PoolElement
	crier   *script.Herald // of the honest registrar
	forger  *script.Herald
	forging []*script.Herald // more of them, for floods
}

func forgedAnnouncements(ctx context.Context, r *engine.Run) {
	s := setUser(r)
	defer s.leave()
	d := &discovery{userStage: s, gate: actor.NewGate(), member: s.absent(r.Instance.Local())}
	d.open(ctx)
	d.baseline(ctx)
	self, err := (&attackers.Forger{Addr: d.at[1].Addr.Addr(), Root: r.Instance.Authority.Certificate}).All()
	r.Passive(ctx, "forge a certificate", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(err).NotTo(gomega.HaveOccurred())
		return self[0].What
	})
	var met []encounter
	for _, x := range []rogue{
		{Forgery: self[0], place: d.at[1]},
		{Forgery: attackers.Forgery{What: "no TLS at all", Flaw: flawClear}, place: d.at[1], clear: true},
	} {
		e, works := d.meet(ctx, x)
		met = append(met, e)
		if !works {
			break // nothing can be said of what comes next
		}
	}
	agreed := d.announcedNull(ctx)
	found, asked := d.flood(ctx)
	d.silence(ctx)
	r.Oracle(ctx, "an announced registrar is asked only when it has shown who it is", func(_ context.Context, g gomega.Gomega) string {
		for _, e := range met {
			g.Expect(e.believed()).To(gomega.BeFalse(), "%s that was announced", e)
		}
		return fmt.Sprintf("none of %d rogue registrars that were announced was asked", len(met))
	}, "T2.12-R1")
	r.Oracle(ctx, "no announced registrar is asked without TLS that encrypts", func(_ context.Context, g gomega.Gomega) string {
		for _, e := range met {
			g.Expect(e.flaw == flawClear && e.believed()).To(gomega.BeFalse(), "%s that was announced", e)
		}
		g.Expect(agreed).To(gomega.BeEmpty(), "with a registrar that was announced the user goes on with %s", strings.Join(agreed, ", "))
		return "announced registrars are asked over TLS that encrypts, or not at all"
	}, "T2.12-R2", "T2.12-R3")
	r.Oracle(ctx, "a flood of announcements does not keep the user from the registrar", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(found || !asked).To(gomega.BeTrue(), "among %d registrars that are not there, the user does not find the one that is", floodAnnouncements)
		return "the registrar is found among those that are not there"
	}, "T2.12-R1")
}

func (d *discovery) open(ctx context.Context) {
	r := d.run
	r.Baseline(ctx, "an honest registrar is there to be announced", func(ctx context.Context, g gomega.Gomega) string {
		d.group = announcementGroup()
		for n := range d.at {
			var err error
			d.at[n], err = d.place(n)
			g.Expect(err).NotTo(gomega.HaveOccurred())
			d.at[n].Name = "" // who is announced is known by its address
		}
		var err error
		d.honest, err = d.registrar(ctx, d.at[0], actor.RegistrarSpec{Gate: d.gate, Members: []wire.PoolElement{d.member}})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the registrar")
		d.crier, err = d.herald(ctx, "registrar", d.at[0].Addr.Addr(), false)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "announce")
		d.forger, err = d.herald(ctx, attackers.Name, d.at[1].Addr.Addr(), true)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "announce")
		for range floodSources {
			h, err := d.herald(ctx, attackers.Name, r.Instance.Local(), true)
			g.Expect(err).NotTo(gomega.HaveOccurred(), "announce")
			d.forging = append(d.forging, h)
		}
		return fmt.Sprintf("it is at %s, and announced to %s", d.at[0].Addr, d.group)
	})
}

// herald announces to the group, and to where the user works from.
func (d *discovery) herald(ctx context.Context, name string, local netip.Addr, hostile bool) (*script.Herald, error) {
	i := d.run.Instance
	to := []netip.AddrPort{d.group}
	if i.Node.IsValid() {
		to = append(to, netip.AddrPortFrom(i.Node, d.group.Port()))
	}
	h, err := script.OpenHerald(ctx, script.HeraldOptions{
		Name: name, Peer: string(i.Role), Local: local, To: to, Hostile: hostile, Wire: i.Wire, Recorder: d.run.World.Recorder,
	})
	if err == nil {
		d.later(h.Close)
	}
	return h, err
}

// repeat is how often an announcement is repeated while something is waited for: a user may
// not listen yet, and a datagram may be lost. Registrars repeat theirs, too, not as often.
const repeat = 100 * time.Millisecond

// cry announces the honest registrar until the returned function is called.
func (d *discovery) cry(ctx context.Context) (end func()) {
	return announcing(ctx, func(ctx context.Context) {
		_ = d.crier.Announce(ctx, announcement(d.honest.Server, d.at[0])) // what is lost is repeated
	})
}

// listener is a user that listens for announcements and knows nothing else.
func (d *discovery) listener() sut.UserSpec {
	spec := d.spec()
	spec.Announcements = d.group
	return spec
}

func (d *discovery) baseline(ctx context.Context) {
	user := d.start(ctx, d.listener())
	defer d.stop(ctx, user)
	d.gate.Open()
	d.run.Need(ctx, "it resolves at the registrar that is announced", func(ctx context.Context) (string, error) {
		defer d.cry(ctx)()
		members, err := d.turned(ctx, resolve(ctx, user))
		if err == nil && !has(members, d.member.ID) {
			err = fmt.Errorf("the user got %s", memberList(members))
		}
		return "it gets " + memberList(members), err
	})
}

// meet has a user hear of a rogue registrar first, and then of the honest one.
func (d *discovery) meet(ctx context.Context, x rogue) (e encounter, works bool) {
	e = encounter{what: x.What, flaw: x.Flaw}
	bait := d.absent(d.run.Instance.Local())
	var user sut.UserNode
	var asking *resolving
	var m *attackers.Misleader
	forged := func() {}
	defer func() { forged() }()
	d.run.Attack(ctx, "announce a registrar with "+x.What, func(ctx context.Context, g gomega.Gomega) string {
		certificate := &x.Certificate
		if x.clear {
			certificate = nil
		}
		var err error
		m, err = d.misleader(ctx, x.place, certificate, bait)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the rogue registrar")
		user, err = d.user(ctx, d.listener())
		g.Expect(err).NotTo(gomega.HaveOccurred(), "start a user")
		asking = resolve(context.WithoutCancel(ctx), user)
		forged = announcing(ctx, func(ctx context.Context) {
			_ = d.forger.Announce(ctx, announcement(attackers.RogueServer, x.place)) // what is lost is repeated
		})
		coming, cancel := context.WithTimeout(ctx, d.run.Instance.Timers.Response)
		defer cancel()
		came, err := m.Over(coming, 0)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "the user at %s", x.place.Addr)
		return came
	})
	defer m.Close()
	defer d.stop(ctx, user)
	defer d.cry(ctx)()
	members, works := d.resolves(ctx, asking)
	e.used = has(members, bait.ID)
	if x.clear && works && !e.used {
		t := &trap{userStage: d.userStage, honest: d.honest, gate: d.gate, bait: bait}
		t.again(ctx, user, m, &e)
	}
	e.asked = m.Asked()
	return e, works
}

// announcedNull announces a node that chooses suites that do not encrypt.
func (d *discovery) announcedNull(ctx context.Context) (agreed []string) {
	var asking *resolving
	d.run.Attack(ctx, "announce a registrar that chooses a cipher suite without encryption", func(ctx context.Context, g gomega.Gomega) string {
		honest, err := d.certificate(d.at[1])
		g.Expect(err).NotTo(gomega.HaveOccurred(), "certificate")
		at := d.at[1]
		down, err := attackers.Downgrade(ctx, script.Door{
			Protocol: wire.ASAP, Transport: at.Transport, Addr: at.Addr, EncapsulationPort: at.EncapsulationPort,
		}, attackers.NullSHA256, honest.Certificate, string(d.run.Instance.Role), d.run.World.Recorder)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the attacker's door")
		defer down.Close()
		user, err := d.user(ctx, d.listener())
		g.Expect(err).NotTo(gomega.HaveOccurred(), "start a user")
		asking = resolve(context.WithoutCancel(ctx), user)
		defer announcing(ctx, func(ctx context.Context) {
			_ = d.forger.Announce(ctx, announcement(attackers.RogueServer, at)) // what is lost is repeated
		})()
		ctx, cancel := context.WithTimeout(ctx, d.run.Instance.Timers.Response)
		defer cancel()
		out, err := down.Await(ctx, 0)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		if out.GoesOn {
			agreed = append(agreed, fmt.Sprintf("cipher suite %04x", attackers.NullSHA256))
		}
		return out.Answer
	})
	defer d.cry(ctx)()
	d.resolves(ctx, asking)
	return agreed
}

// A flood: more registrars than any scope has, from more addresses than one attacker needs.
const (
	floodAnnouncements = 160
	floodSources       = 8
)

// flood announces registrars that are not there, before the honest one and along with it.
// asked tells that the user was there to find it.
func (d *discovery) flood(ctx context.Context) (found, asked bool) {
	absent := make([]*wire.ServerAnnounce, floodAnnouncements)
	for n := range absent {
		at := d.at[1]
		at.Addr = netip.AddrPortFrom(at.Addr.Addr(), uint16(floodPort+n))
		absent[n] = announcement(wire.ServerID(d.run.Random()), at)
	}
	send := func(ctx context.Context) {
		for n, a := range absent {
			_ = d.forging[n%len(d.forging)].Announce(ctx, a) // what is lost is repeated
		}
	}
	var asking *resolving
	d.run.Attack(ctx, fmt.Sprintf("announce %d registrars that are not there, from %d addresses", floodAnnouncements, floodSources), func(ctx context.Context, g gomega.Gomega) string {
		// Its host is there, and refuses: SCTP to a host that does not lasts until T5 each time,
		// three at once, which RFC 5352 section 3.6 wants no better.
		host, err := d.misleader(ctx, d.at[1], nil, d.absent(d.run.Instance.Local()))
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the host that is announced")
		defer host.Close()
		user, err := d.user(ctx, d.listener())
		g.Expect(err).NotTo(gomega.HaveOccurred(), "start a user")
		send(ctx)
		asking = resolve(context.WithoutCancel(ctx), user)
		defer announcing(ctx, send)()
		defer d.cry(ctx)()
		members, _ := d.turned(ctx, asking)
		found = has(members, d.member.ID)
		return "it gets " + memberList(members)
	})
	asked = d.run.Canary(ctx, "without the flood, a user finds the registrar", func(ctx context.Context, g gomega.Gomega) string {
		user, err := d.user(ctx, d.listener())
		g.Expect(err).NotTo(gomega.HaveOccurred(), "start a user")
		defer d.cry(ctx)()
		members, err := d.turned(ctx, resolve(context.WithoutCancel(ctx), user))
		g.Expect(err).NotTo(gomega.HaveOccurred())
		g.Expect(has(members, d.member.ID)).To(gomega.BeTrue(), "it gets %s", memberList(members))
		return "it finds it"
	})
	return found, asked
}

// floodPort is the first of the ports at which nobody is.
const floodPort = 20_000

// silence keeps every announcement back: a user that knows a place as well goes there.
func (d *discovery) silence(ctx context.Context) {
	d.run.Canary(ctx, "when every announcement is kept back, a user finds the registrar that it was told of", func(ctx context.Context, g gomega.Gomega) string {
		spec := d.listener()
		spec.Registrars = d.at[:1]
		user, err := d.user(ctx, spec)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "start a user")
		members, err := d.turned(ctx, resolve(context.WithoutCancel(ctx), user))
		g.Expect(err).NotTo(gomega.HaveOccurred())
		g.Expect(has(members, d.member.ID)).To(gomega.BeTrue(), "it gets %s", memberList(members))
		return "it finds it"
	})
}
