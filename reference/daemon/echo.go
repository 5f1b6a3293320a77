// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// echo serves the users of all pools of an element: it sends back what they send.
type echo struct {
	log       *slog.Logger
	cancel    context.CancelFunc
	ctx       context.Context // ends with the service
	wg        sync.WaitGroup
	listeners []association.Listener
	stacks    map[echoStack]*association.Stack

	mu    sync.Mutex
	users map[association.Association]struct{} // nil: the service is being closed

	accepted, messages, octets atomic.Uint64
}

// echoStack is what SCTP services at one address share.
type echoStack struct {
	transport association.Transport
	addr      netip.Addr
	udpPort   uint16
}

func newEcho(log *slog.Logger) *echo {
	ctx, cancel := context.WithCancel(context.Background())
	return &echo{
		log: log, ctx: ctx, cancel: cancel,
		stacks: make(map[echoStack]*association.Stack), users: make(map[association.Association]struct{}),
	}
}

// listen opens a service and returns how it is registered. Users wait until serve.
func (x *echo) listen(ctx context.Context, s service, certificate *shown) (wire.Transport, error) {
	lc := association.ListenConfig{Transport: s.transport, Addr: s.addr}
	if s.transport.IsSCTP() {
		stack, err := x.stack(s)
		if err != nil {
			return wire.Transport{}, fmt.Errorf("service at %s %s: %w", s.transport, s.addr, err)
		}
		lc.Stack = stack
	}
	if s.secured {
		lc.TLS = &tlspsk.Config{Certificates: certificate.config(), Messages: s.transport.IsSCTP()}
	}
	lc.OnHandshakeError = func(remote netip.AddrPort, err error) {
		x.log.Info("handshake failed", "service", s.addr, "from", remote, "error", err)
	}
	l, err := association.Listen(ctx, lc)
	if err != nil {
		return wire.Transport{}, fmt.Errorf("service at %s %s: %w", s.transport, s.addr, err)
	}
	x.listeners = append(x.listeners, l)
	t := wire.Transport{Kind: wire.TransportTCP, Port: l.Addr().Port()}
	if s.transport.IsSCTP() {
		t.Kind, t.Use = wire.TransportSCTP, wire.DataAndControl
	}
	if addr := s.addr.Addr().Unmap(); !addr.IsUnspecified() {
		t.Addrs = []netip.Addr{addr}
	}
	return t, nil
}

func (x *echo) stack(s service) (*association.Stack, error) {
	key := echoStack{s.transport, s.addr.Addr(), s.udpPort}
	if stack := x.stacks[key]; stack != nil {
		return stack, nil
	}
	stack, err := association.NewStack(association.StackConfig{Local: key.addr, Transport: key.transport, UDPPort: key.udpPort})
	if err == nil {
		x.stacks[key] = stack
	}
	return stack, err
}

// serve begins to take users: listeners are those of the pools, in their order.
func (x *echo) serve(e *poolelement.Element, pools []poolelement.Pool) {
	for n, l := range x.listeners {
		handle := pools[n].Handle
		x.wg.Go(func() {
			for {
				a, err := l.Accept(x.ctx)
				if err != nil {
					return // closed
				}
				x.wg.Go(func() { x.user(e, handle, a) })
			}
		})
	}
}

// user speaks with one pool user until either side ends the association.
func (x *echo) user(e *poolelement.Element, handle wire.PoolHandle, a association.Association) {
	log := x.log.With("pool", handle.String(), "from", a.Info().Remote)
	if !x.enter(a) {
		_ = a.Abort("closing") // the user will turn to another element
		return
	}
	log.Info("user came", "tls", a.Info().Secured)
	err := x.echo(e, handle, a)
	if !x.leave(a) {
		return
	}
	if errors.Is(err, io.EOF) {
		log.Info("user left")
	} else {
		log.Info("user lost", "error", err)
	}
	_ = a.Abort("the conversation has ended") // after a graceful end this only frees what is left
}

// enter notes a user, false when the service is being closed.
func (x *echo) enter(a association.Association) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.users == nil {
		return false
	}
	x.users[a] = struct{}{}
	x.accepted.Add(1)
	return true
}

// leave forgets a user, false when close ends the association.
func (x *echo) leave(a association.Association) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, ours := x.users[a]
	delete(x.users, a)
	return ours
}

func (x *echo) echo(e *poolelement.Element, handle wire.PoolHandle, a association.Association) error {
	c, err := e.Control(x.ctx, handle, a, 0)
	if err != nil {
		return err
	}
	for {
		m, err := c.Receive(x.ctx)
		if err != nil {
			return err
		}
		if m.Data == nil {
			continue // a cookie or a business card: the service keeps nothing about its users
		}
		x.messages.Add(1)
		x.octets.Add(uint64(len(m.Data)))
		if err := c.SendData(x.ctx, m.Data); err != nil {
			return err
		}
	}
}

// present counts the users that are there.
func (x *echo) present() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.users)
}

// close ends the service: associations gracefully as long as ctx allows.
func (x *echo) close(ctx context.Context) error {
	var errs []error
	for _, l := range x.listeners {
		errs = append(errs, l.Close())
	}
	x.mu.Lock()
	users := x.users
	x.users = nil
	x.mu.Unlock()
	var ending sync.WaitGroup
	for a := range users {
		ending.Go(func() {
			if a.Close(ctx) != nil {
				_ = a.Abort("closing") // it did not end gracefully in time
			}
		})
	}
	ending.Wait()
	x.cancel()
	x.wg.Wait()
	for _, s := range x.stacks {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
