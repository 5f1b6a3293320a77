// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// rogueSite is a rogue registrar that waits where the system under test looks for a peer.
type rogueSite struct {
	how     string
	secured bool
	config  *tlspsk.Config
}

// visit is what came of it.
type visit struct {
	how  string
	said []string // ENRP messages that the system sent to the rogue
	came bool
	end  string
}

func (v visit) String() string {
	switch {
	case len(v.said) > 0:
		return fmt.Sprintf("%s: was told %s", v.how, strings.Join(v.said, ", "))
	case !v.came:
		return v.how + ": nobody came"
	default:
		return fmt.Sprintf("%s: was told nothing (%s)", v.how, v.end)
	}
}

func rogueCalled(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	victim := s.victim()
	r.Baseline(ctx, "the registrar calls an honest peer", func(ctx context.Context, g gomega.Gomega) string {
		stations, err := s.peerStations(ctx, victim, honestSite(r), false)
		defer stations.close()
		g.Expect(err).NotTo(gomega.HaveOccurred(), "wait for the registrar")
		g.Expect(s.visited(ctx, stations...)).To(gomega.Succeed(), "wait for the registrar")
		return fmt.Sprintf("it comes to %d places", len(stations))
	})
	before, _ := s.servers(ctx)
	var visits []visit
	sites := rogueSites(r)
	r.Attack(ctx, "wait in each peer's place, without the key of a registrar", func(ctx context.Context, g gomega.Gomega) string {
		for _, site := range sites {
			v, err := s.receive(ctx, victim, site, nil)
			g.Expect(err).NotTo(gomega.HaveOccurred(), "%s", site.how)
			visits = append(visits, v...)
		}
		return strings.Join(describe(visits), "; ")
	})
	s.look(ctx)
	s.canary(ctx)
	after, known := s.servers(ctx)
	r.Oracle(ctx, "a rogue peer is told nothing", func(_ context.Context, g gomega.Gomega) string {
		return toldNothing(g, visits)
	})
	r.Oracle(ctx, "a rogue peer is not in the group, and none of its elements in the handlespace", func(_ context.Context, g gomega.Gomega) string {
		return s.joined(before, after, known, nil, victim.Element)(g)
	})
	s.rogueMentor(ctx, victim, sites)
}

// rogueMentor has the registrar start again and find the rogue in the place of its mentor.
func (s *stage) rogueMentor(ctx context.Context, victim attackers.Victim, sites []rogueSite) {
	r := s.run
	var visits []visit
	var unsupported error
	r.Attack(ctx, "wait in the mentor's place while the registrar starts", func(ctx context.Context, g gomega.Gomega) string {
		for _, site := range sites {
			v, err := s.receive(ctx, victim, site, func(ctx context.Context) error { return r.Instance.Restart(ctx) })
			if errors.Is(err, sut.ErrUnsupported) {
				unsupported = err
				_, err = s.receive(ctx, victim, site, nil) // so that there is something to attack at all
				g.Expect(err).NotTo(gomega.HaveOccurred(), "%s", site.how)
				return unsupported.Error()
			}
			g.Expect(err).NotTo(gomega.HaveOccurred(), "%s", site.how)
			visits = append(visits, v...)
		}
		return strings.Join(describe(visits), "; ")
	})
	if unsupported != nil {
		r.LessCertain("the registrar could not be watched while it starts: " + unsupported.Error())
		return
	}
	var mentored []wire.PoolElement
	alive := r.Canary(ctx, "the registrar serves elements after its start", func(ctx context.Context, g gomega.Gomega) string {
		n, err := s.again(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect and register the element again")
		defer n.Close(ctx)
		mentored, err = r.World.UserOn(n.Node).Resolve(ctx, r.Instance.Pool)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve")
		g.Expect(mentored).NotTo(gomega.BeEmpty(), "the element that registered cannot be resolved")
		return fmt.Sprintf("%d elements are in the pool", len(mentored))
	})
	r.Oracle(ctx, "a rogue mentor is told nothing, and what it says is not in the handlespace", func(_ context.Context, g gomega.Gomega) string {
		if alive {
			g.Expect(slices.ContainsFunc(mentored, func(e wire.PoolElement) bool { return e.ID == victim.Element })).
				To(gomega.BeFalse(), "the rogue mentor's element %s is in the pool", victim.Element)
		}
		return toldNothing(g, visits)
	})
}

func describe(visits []visit) []string {
	lines := make([]string, 0, len(visits))
	for _, v := range visits {
		lines = append(lines, v.String())
	}
	return lines
}

func toldNothing(g gomega.Gomega, visits []visit) string {
	for _, v := range visits {
		g.Expect(v.said).To(gomega.BeEmpty(), "a rogue registrar %s", v)
	}
	return fmt.Sprintf("%d rogue registrars were told nothing", len(visits))
}

// honestPeer is the TLS configuration of a peer that is called: it knows who calls.
func honestPeer(r *engine.Run) *tlspsk.Config {
	k := r.Instance.Credentials.Registrar
	if k == nil {
		return nil
	}
	return &tlspsk.Config{Lookup: func(identity string) []byte {
		if identity == k.Identity {
			return slices.Clone(k.Key)
		}
		return nil
	}}
}

// honestSite is a peer as it should be.
func honestSite(r *engine.Run) rogueSite {
	return rogueSite{how: "peer honest", secured: r.Instance.Security == sut.Secured, config: honestPeer(r)}
}

// rogueSites are the ways to be a rogue: on a system in clear there is but one.
func rogueSites(r *engine.Run) []rogueSite {
	sites := []rogueSite{{how: "in clear"}}
	if r.Instance.Security == sut.Clear {
		return sites
	}
	with := func(how string, key []byte) rogueSite {
		return rogueSite{how: how, secured: true, config: &tlspsk.Config{Lookup: func(string) []byte { return slices.Clone(key) }}}
	}
	sites = append(sites, with("with a guessed key", make([]byte, 32)))
	if k := r.Instance.Credentials.Element; k != nil {
		sites = append(sites, with("with an element's key", k.Key))
	}
	if c, err := attackers.SelfSigned("rogue registrar"); err == nil {
		sites = append(sites, rogueSite{how: "with a certificate of its own", secured: true, config: &tlspsk.Config{
			Certificates: &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12},
		}})
	}
	return sites
}

// peerStation opens a station in a peer's place. A rogue one answers as a registrar whose
// handlespace has the attacker's element, and says all that a registrar says without being asked.
func (s *stage) peerStation(ctx context.Context, victim attackers.Victim, place sut.Place, site rogueSite, hostile bool) (*script.Station, error) {
	r := s.run
	o := script.StationOptions{
		Name: site.how, Peer: "registrar", TLS: site.config, Hostile: hostile, Wire: r.Instance.Wire, Recorder: r.World.Recorder,
	}
	if hostile {
		o.Name = attackers.Name + " " + site.how
		at := place.Addr.Addr()
		o.OnOpen = func(n *script.Node) {
			for _, m := range append(victim.ENRP(at), victim.Remove(at)) {
				_ = n.Send(context.WithoutCancel(ctx), m) // who is not listened to is sent away
			}
		}
		o.OnMessage = func(n *script.Node, m wire.Message) bool {
			if a := victim.Mentor(m, at); a != nil {
				_ = n.Send(context.WithoutCancel(ctx), a) // as above
			}
			return false
		}
	}
	door := script.Door{Protocol: wire.ENRP, Transport: place.Transport, Secured: site.secured, Addr: place.Addr, EncapsulationPort: place.EncapsulationPort}
	return script.Listen(ctx, o, door)
}

// stationed are the stations at the places of several peers.
type stationed []*script.Station

func (all stationed) close() {
	for _, station := range all {
		station.Close()
	}
}

// peerStations opens a station in the place of each peer. Those that were opened are returned
// with an error too.
func (s *stage) peerStations(ctx context.Context, victim attackers.Victim, site rogueSite, hostile bool) (all stationed, err error) {
	for _, place := range s.run.Instance.Peers {
		station, err := s.peerStation(ctx, victim, place, site, hostile)
		if err != nil {
			return all, err
		}
		all = append(all, station)
	}
	return all, nil
}

// visited waits for the system under test to come to each station, however that ends.
func (s *stage) visited(ctx context.Context, stations ...*script.Station) error {
	ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Removal)
	defer cancel()
	for _, station := range stations {
		if err := station.AwaitAttempt(ctx, 0); err != nil {
			return err
		}
	}
	return nil
}

// visitedOnce waits for the system under test to come to one of the stations.
func (s *stage) visitedOnce(ctx context.Context, stations ...*script.Station) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var waiting sync.WaitGroup
	defer waiting.Wait()
	came := make(chan error, len(stations))
	for _, station := range stations {
		waiting.Go(func() { came <- s.visited(ctx, station) })
	}
	for range stations {
		if err = <-came; err == nil {
			cancel()
			return nil
		}
	}
	return err
}

// receive opens a rogue site in the place of each peer, has start done, and waits until the
// system has come and gone again, or has told what it tells to peers. A registrar that starts
// need not look for more than one mentor.
func (s *stage) receive(ctx context.Context, victim attackers.Victim, site rogueSite, start func(context.Context) error) ([]visit, error) {
	stations, err := s.peerStations(ctx, victim, site, true)
	defer stations.close()
	if err != nil {
		return nil, err
	}
	if start != nil {
		if err := start(ctx); err != nil {
			return nil, err
		}
	}
	comes := s.visited
	if start != nil {
		comes = s.visitedOnce
	}
	if err := comes(ctx, stations...); err != nil {
		return nil, fmt.Errorf("%w (does the registrar call its peers?)", err)
	}
	quiet, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	visits := make([]visit, 0, len(stations))
	for _, station := range stations {
		visits = append(visits, overhear(quiet, site, station))
	}
	return visits, nil
}

// overhear waits until those who came to station have gone, or have asked for the handle table,
// and tells what they said.
func overhear(ctx context.Context, site rogueSite, station *script.Station) visit {
	v := visit{how: fmt.Sprintf("%s at %s", site.how, station.Doors()[0].Addr), came: station.Attempts() > 0, end: "it went away"}
	if refused := station.Refused(); len(refused) > 0 {
		v.end = refused[0].Err.Error()
	}
	for _, n := range station.Nodes() {
		_, _ = n.Await(ctx, func(m wire.Message) bool { _, table := m.(*wire.HandleTableRequest); return table })
		for _, m := range n.Received() {
			v.said = append(v.said, m.Name())
		}
	}
	return v
}

// settling is how long a registrar may go on with a rogue before it is looked at what it said:
// by then it has said something, or never will, as a handshake of its own has failed.
const settling = 2 * time.Second

// again connects and registers the honest element after a restart.
func (s *stage) again(ctx context.Context) (*actor.Element, error) {
	e, err := s.run.World.OpenElement(ctx, actor.Spec{Name: "pe honest", Door: s.element.Door(), ID: s.element.PE.ID})
	if err != nil {
		return nil, err
	}
	if err := e.Register(ctx); err != nil {
		e.Close(ctx)
		return nil, err
	}
	return e, nil
}
