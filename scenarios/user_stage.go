// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// userStage is the honest cast of the checks of pool users: registrars with certificates of
// an authority that the user under test is given the root of, and services of elements.
type userStage struct {
	run  *engine.Run
	ends []func()
}

// setUser prepares the cast; nothing is open yet.
func setUser(r *engine.Run) *userStage { return &userStage{run: r} }

// leave ends everything, the latest first.
func (s *userStage) leave() {
	for _, end := range slices.Backward(s.ends) {
		end()
	}
	s.ends = nil
}

func (s *userStage) later(end func()) { s.ends = append(s.ends, end) }

// registrarName is what the certificates of honest registrars are for, where the
// configuration of the system under test has no name for them.
const registrarName = "registrar.rspthreat.test"

// place is where the n-th registrar is found.
func (s *userStage) place(n int) (sut.Place, error) {
	p, err := s.run.World.RegistrarPlace(n)
	if err == nil && len(s.run.Instance.Registrars) == 0 {
		p.Name = registrarName
	}
	return p, err
}

// identity is the name or address that the certificate of a registrar at p has to be for.
func registrarIdentity(p sut.Place) string {
	if p.Name != "" {
		return p.Name
	}
	return p.Addr.Addr().String()
}

// certificate is one that a registrar at p is believed with.
func (s *userStage) certificate(p sut.Place) (tls.Certificate, error) {
	return s.run.Instance.Authority.Server(registrarIdentity(p))
}

// registrar opens an honest registrar at p. What spec leaves out is filled in.
func (s *userStage) registrar(ctx context.Context, p sut.Place, spec actor.RegistrarSpec) (*actor.Registrar, error) {
	spec.Place = p
	if p.Secured && spec.Certificate == nil && spec.TLS == nil {
		c, err := s.certificate(p)
		if err != nil {
			return nil, err
		}
		spec.Certificate = &c
	}
	reg, err := s.run.World.OpenRegistrar(ctx, spec)
	if err != nil {
		return nil, err
	}
	s.later(reg.Close)
	return reg, nil
}

// spec is a user that knows the authority and looks for registrars at the given places.
func (s *userStage) spec(places ...sut.Place) sut.UserSpec {
	i := s.run.Instance
	spec := sut.UserSpec{
		Security: i.Security, Registrars: places, Local: i.Node, Pool: i.Pool, Elements: i.Security,
	}
	if i.Security == sut.Secured {
		spec.Roots, spec.ElementRoots = i.Authority.PEM(), i.Authority.PEM()
	}
	return spec
}

// start starts a user under test; the check ends when the system declines.
func (s *userStage) start(ctx context.Context, spec sut.UserSpec) sut.UserNode {
	var user sut.UserNode
	s.run.Need(ctx, "a pool user is started", func(ctx context.Context) (string, error) {
		var err error
		if user, err = s.user(ctx, spec); err != nil {
			return "", err
		}
		return "it looks for registrars at " + places(spec.Registrars), nil
	})
	return user
}

// user starts a user under test, which ends with the stage.
func (s *userStage) user(ctx context.Context, spec sut.UserSpec) (sut.UserNode, error) {
	user, err := s.run.Instance.Driver.StartUser(ctx, spec)
	if err != nil {
		return nil, err
	}
	s.run.Logged(user.Log)
	s.later(func() { s.stop(ctx, user) })
	if s.run.World.Blind {
		user = blindUser{user}
	}
	return user, nil
}

// blindUser is a user of which nothing is seen: a fault of the harness, see actor.World.
type blindUser struct{ sut.UserNode }

// Send has the user send and does not see what comes back.
func (u blindUser) Send(ctx context.Context, data []byte) ([]byte, error) {
	_, err := u.UserNode.Send(ctx, data)
	return nil, err
}

// Events delivers nothing.
func (u blindUser) Events() <-chan sut.NodeEvent {
	nothing := make(chan sut.NodeEvent)
	close(nothing)
	return nothing
}

// Resolve has the user resolve and does not see what it gets.
func (u blindUser) Resolve(ctx context.Context) ([]sut.Member, error) {
	_, err := u.UserNode.Resolve(ctx)
	return nil, err
}

// stop ends a user; one that does not end in time ends with its process.
func (s *userStage) stop(ctx context.Context, user sut.UserNode) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
	defer cancel()
	_ = user.Stop(ctx)
}

func places(list []sut.Place) string {
	names := make([]string, 0, len(list))
	for _, p := range list {
		names = append(names, p.Addr.String())
	}
	if len(names) == 0 {
		return "no place that it was told"
	}
	return strings.Join(names, " and ")
}

// turns is how many answers a user may be waiting for on its way from a registrar that it does
// not want to another one: that of one that does not answer, and that of the one that does.
const turns = 2

// absent describes an element that is in a pool and cannot be reached.
func (s *userStage) absent(addr netip.Addr) wire.PoolElement {
	pe := actor.NewPE(wire.PEID(s.run.Random()), addr)
	return actor.Listed(pe)
}

// misleader opens a rogue registrar at p.
func (s *userStage) misleader(ctx context.Context, p sut.Place, certificate *tls.Certificate, element wire.PoolElement) (*attackers.Misleader, error) {
	m, err := attackers.Mislead(ctx, attackers.MisleaderSpec{
		Door:        script.Door{Protocol: wire.ASAP, Transport: p.Transport, Secured: certificate != nil, Addr: p.Addr, EncapsulationPort: p.EncapsulationPort},
		Certificate: certificate, Element: element, Recorder: s.run.World.Recorder, Wire: s.run.Instance.Wire,
	}, s.run.Instance.Pool)
	if err != nil {
		return nil, err
	}
	s.later(m.Close)
	return m, nil
}

// service opens the service of an element that the user can go to. Without a certificate in
// spec it has one that the user believes, unless the system is in clear.
func (s *userStage) service(ctx context.Context, spec actor.ServiceSpec) (*actor.Service, error) {
	i := s.run.Instance
	if !spec.Addr.IsValid() {
		spec.Addr = i.Local()
	}
	if spec.Certificate == nil && i.Security == sut.Secured {
		c, err := i.Authority.Server(spec.Addr.String())
		if err != nil {
			return nil, err
		}
		spec.Certificate = &c
	}
	return s.open(ctx, spec)
}

// open opens a service as spec has it.
func (s *userStage) open(ctx context.Context, spec actor.ServiceSpec) (*actor.Service, error) {
	spec.ID = wire.PEID(s.run.Random())
	service, err := s.run.World.OpenService(ctx, spec)
	if err != nil {
		return nil, err
	}
	s.later(service.Close)
	return service, nil
}

// exchange has the user send data to its element and get the same back.
func (s *userStage) exchange(ctx context.Context, user sut.UserNode, data string) error {
	ctx, cancel := context.WithTimeout(ctx, turns*s.run.Instance.Timers.Response)
	defer cancel()
	reply, err := user.Send(ctx, []byte(data))
	if err == nil && string(reply) != data {
		err = fmt.Errorf("%q came back for %q", reply, data)
	}
	return err
}
