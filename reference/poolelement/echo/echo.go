// SPDX-License-Identifier: Apache-2.0

// Package echo is a service for the pool users of an element: it sends back what they send.
package echo

import (
	"context"
	"encoding/binary"
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

// Door is where users find the service of one pool.
type Door struct {
	Transport association.Transport
	Addr      netip.AddrPort // port 0: any free one
	UDPPort   uint16         // SCTP over UDP: encapsulation port, 0 for 9899
	// TLS secures the door; nil leaves it in clear.
	TLS *tlspsk.Config
}

// Service serves the users of all pools of an element.
type Service struct {
	log       *slog.Logger
	cookies   bool
	onCookie  func(pool wire.PoolHandle, remote netip.AddrPort, state []byte, refused error)
	through   func(association.Association) association.Association
	cancel    context.CancelFunc
	ctx       context.Context // ends with the service
	wg        sync.WaitGroup
	listeners []association.Listener
	stacks    map[stackKey]*association.Stack

	mu    sync.Mutex
	users map[association.Association]struct{} // nil: the service is being closed

	accepted, messages, octets atomic.Uint64
}

// stackKey is what SCTP services at one address share.
type stackKey struct {
	transport association.Transport
	addr      netip.Addr
	udpPort   uint16
}

// Option changes what a Service does.
type Option func(*Service)

// WithCookies has the service leave a cookie with its user after each message: the number
// of messages that this user has sent, in 8 octets, big endian. A cookie that is echoed and
// believed lets the count go on from there (RFC 5352 section 3.8).
func WithCookies() Option { return func(s *Service) { s.cookies = true } }

// OnCookie has f told of every cookie that a user echoes: the state in it, or why it was
// refused. f is called from several goroutines and must not block.
func OnCookie(f func(pool wire.PoolHandle, remote netip.AddrPort, state []byte, refused error)) Option {
	return func(s *Service) { s.onCookie = f }
}

// Through has every association with a user go through f, which returns what stands for it.
func Through(f func(association.Association) association.Association) Option {
	return func(s *Service) { s.through = f }
}

// New returns a service without doors.
func New(log *slog.Logger, options ...Option) *Service {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{
		log: log, ctx: ctx, cancel: cancel,
		stacks: make(map[stackKey]*association.Stack), users: make(map[association.Association]struct{}),
	}
	for _, o := range options {
		o(s)
	}
	return s
}

// Listen opens the door of the next pool and returns how it is registered. Users wait until
// Serve. After an error the service has to be closed.
func (x *Service) Listen(ctx context.Context, d Door) (wire.Transport, error) {
	lc := association.ListenConfig{Transport: d.Transport, Addr: d.Addr, TLS: d.TLS}
	if d.Transport.IsSCTP() {
		stack, err := x.stack(d)
		if err != nil {
			return wire.Transport{}, fmt.Errorf("service at %s %s: %w", d.Transport, d.Addr, err)
		}
		lc.Stack = stack
	}
	lc.OnHandshakeError = func(remote netip.AddrPort, err error) {
		x.log.Info("handshake failed", "service", d.Addr, "from", remote, "error", err)
	}
	l, err := association.Listen(ctx, lc)
	if err != nil {
		return wire.Transport{}, fmt.Errorf("service at %s %s: %w", d.Transport, d.Addr, err)
	}
	x.listeners = append(x.listeners, l)
	t := wire.Transport{Kind: wire.TransportTCP, Port: l.Addr().Port()}
	if d.Transport.IsSCTP() {
		t.Kind, t.Use = wire.TransportSCTP, wire.DataAndControl
	}
	if addr := d.Addr.Addr().Unmap(); !addr.IsUnspecified() {
		t.Addrs = []netip.Addr{addr}
	}
	return t, nil
}

func (x *Service) stack(d Door) (*association.Stack, error) {
	key := stackKey{d.Transport, d.Addr.Addr(), d.UDPPort}
	if stack := x.stacks[key]; stack != nil {
		return stack, nil
	}
	stack, err := association.NewStack(association.StackConfig{Local: key.addr, Transport: key.transport, UDPPort: key.udpPort})
	if err == nil {
		x.stacks[key] = stack
	}
	return stack, err
}

// Serve begins to take users: the doors were opened for the pools in this order.
func (x *Service) Serve(e *poolelement.Element, pools []poolelement.Pool) {
	for n, l := range x.listeners {
		handle := pools[n].Handle
		x.wg.Go(func() {
			for {
				a, err := l.Accept(x.ctx)
				if err != nil {
					return // closed
				}
				if x.through != nil {
					a = x.through(a)
				}
				x.wg.Go(func() { x.user(e, handle, a) })
			}
		})
	}
}

// user speaks with one pool user until either side ends the association.
func (x *Service) user(e *poolelement.Element, handle wire.PoolHandle, a association.Association) {
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
func (x *Service) enter(a association.Association) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.users == nil {
		return false
	}
	x.users[a] = struct{}{}
	x.accepted.Add(1)
	return true
}

// leave forgets a user, false when Close ends the association.
func (x *Service) leave(a association.Association) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, ours := x.users[a]
	delete(x.users, a)
	return ours
}

func (x *Service) echo(e *poolelement.Element, handle wire.PoolHandle, a association.Association) error {
	c, err := e.Control(x.ctx, handle, a, 0)
	if err != nil {
		return err
	}
	var count uint64 // all that the service knows about a user, and leaves with it as a cookie
	for {
		m, err := c.Receive(x.ctx)
		switch {
		case err != nil:
			return err
		case m.State != nil || m.Refused != nil:
			if len(m.State) == countLen {
				count = binary.BigEndian.Uint64(m.State)
			}
			if x.onCookie != nil {
				x.onCookie(handle, a.Info().Remote, m.State, m.Refused)
			}
			continue
		case m.Data == nil:
			continue // a business card: users that are elements as well are served like others
		}
		x.messages.Add(1)
		x.octets.Add(uint64(len(m.Data)))
		if err := c.SendData(x.ctx, m.Data); err != nil {
			return err
		}
		if count++; x.cookies {
			if err := c.SendCookie(x.ctx, binary.BigEndian.AppendUint64(nil, count)); err != nil {
				return err
			}
		}
	}
}

// countLen is the length of the state in a cookie.
const countLen = 8

// Stats counts what the service did since it was started.
type Stats struct {
	Users    uint64 // associations with pool users
	Messages uint64 // sent back
	Octets   uint64 // of user data sent back
	Present  int    // users that are there now
}

// Stats returns the counters.
func (x *Service) Stats() Stats {
	return Stats{x.accepted.Load(), x.messages.Load(), x.octets.Load(), x.present()}
}

func (x *Service) present() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.users)
}

// Close ends the service: associations gracefully as long as ctx allows.
func (x *Service) Close(ctx context.Context) error {
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
